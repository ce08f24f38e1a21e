"""A connector for the transcripts.

Its answers are the same each time.
"""
