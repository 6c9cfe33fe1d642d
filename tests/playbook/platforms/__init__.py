"""Tests of what the packages of the platforms share."""
