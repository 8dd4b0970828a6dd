"""Asterisk, by FastAGI: a plain `AGI(agi://host/)` line in a dialplan hands a call over.

lines      what Asterisk sends and is sent, as bytes
channel    one connection: a command at a time, and the hang-up at any moment
gateway    turns: sounds, keys, a person
host       what the dialplan hands over and gets back, as variables and arguments
server     the port
"""
