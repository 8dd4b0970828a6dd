"""Asterisk through FastAGI: a plain `AGI(agi://host/)` line in a dialplan hands over a call.

lines      the protocol in bytes, in both directions
channel    one connection: a command at a time, and a hang-up at any moment
gateway    turns: sounds, keys, transfers
host       the hand-over and the hand-back, as variables and arguments
server     the listening port
"""
