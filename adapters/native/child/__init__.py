"""What a task's own process imports. The folder stands on its PYTHONPATH; nothing here is imported by the adapter."""
