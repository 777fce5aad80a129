"""Published results at this project's scale, each compared with what is measured here."""
