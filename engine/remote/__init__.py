"""Remote control over OSC: recording, sending, recentring, profiles, from another program.

settings    `RemoteSettings`, a part of Config
vocabulary  the commands, with what each needs
takes       replies to the commands that record, which take their time
control     the port, and what becomes of every packet
"""
