"""What the open questions need: the runs, their evidence, and the page that is written from it."""
