"""Asterisk through FastAGI: a plain `AGI(agi://host/)` line in a dialplan hands over a call.

lines      the bytes of the protocol, in both directions
channel    one connection: one command at a time, and a hang-up at any moment
gateway    turns: sounds, keys, transfers
sounds     the files and commands that play a prompt
probe      the check for missing sounds
host       the hand-over and the hand-back, as variables and arguments
server     the listening port
"""
