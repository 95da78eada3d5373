"""Executors of lowered IR on the CPU, one module each."""
