"""Tests of the organisation file and of the fictional city."""
