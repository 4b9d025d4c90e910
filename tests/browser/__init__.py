"""Tests in a real JupyterLab, seen through a real Chromium."""
