"""Trunks, telephone numbers, and which numbers may be dialled and when."""
