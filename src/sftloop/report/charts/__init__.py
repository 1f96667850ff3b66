"""Pictures as inline SVG, one module per kind of picture. They know numbers and names, not runs."""
