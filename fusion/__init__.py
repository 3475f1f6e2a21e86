"""Scores of several spaces into one ranking: calibrate, weigh, abstain, balance. numpy only."""
