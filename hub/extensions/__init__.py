"""The hub's own operations under /api/ext (X01 to X37): each declared and answered in one place. No adapter implements them."""
