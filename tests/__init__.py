"""Tests of nnviz_widgets: one folder a package folder, one file a module."""
