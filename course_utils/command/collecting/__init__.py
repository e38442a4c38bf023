"""`course collect`: a class's answers, each run again in a process of its own."""
