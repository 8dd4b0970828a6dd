"""Asterisk through FastAGI: a plain `AGI(agi://host/)` line in a dialplan hands over a call.

lines      replies and commands as bytes
channel    one connection, with one command at a time
gateway    turns: sounds, keys, transfers
sounds     the files and commands that play a prompt
probe      the check for missing sounds
host       the hand-over and the hand-back, as variables and arguments
server     the listening port
"""
