"""What a bias makes rare, in pictures: left-curving rivers, and blond hair with dark skin."""
