"""Calibration: the tests on simulated layers whose truth is known."""
