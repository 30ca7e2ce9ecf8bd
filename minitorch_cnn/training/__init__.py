"""What surrounds training: a run's folder, and what is made of it."""
