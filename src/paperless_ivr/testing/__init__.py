"""The public kit: contracts, transcripts, callers for hypothesis, exploration and proof."""
