"""What is made of a chapter: the student's edition, the live one, working copies, pages, slides."""
