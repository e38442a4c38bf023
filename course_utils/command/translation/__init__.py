"""The Korean edition: blocks of prose, their catalogs and checks, and what is made of them."""
