"""`course progress`: what a student has solved and predicted so far."""
