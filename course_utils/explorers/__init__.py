"""Interactive explorers: one module a chapter, over the engine `control → picture`."""
