# SPDX-License-Identifier: GPL-2.0-or-later
"""Random fault schedules: lines for our device's control socket, from a seed.

Only faults that a driver can hide, and not so many that a command runs out of retries:
under a schedule no I/O may fail, whatever it takes.
"""
import random

# Answers after which a command is to be sent again, executed or not.
_ANSWERS = ('skip response=1', 'skip response=4', 'skip response=5', 'skip response=6',
            'skip response=9', 'response=9', 'skip response=77', 'nothing', 'skip status=8',
            'residual=4294967295', 'residual=512',
            'skip status=0x28', 'skip status=2 sense=70000600000000000000000029000000',
            'skip status=2 sense=70000b00000000000000000000000000')
# Things said of what was done.
_LIES = ('used=0', 'used=4294967295', 'qualifier=65535', 'sense-len=4294967295')
# What breaks a queue, so that the driver resets the device.
_BREAKS = ('id=40000', 'twice')
_TMFS = ('skip', 'skip response=11', 'response=2', 'nothing', 'late=1500 count=1', 'lose count=1', 'twice count=1')


def lines(seed):
    dice = random.Random(seed)
    chosen = [f'fault seed={seed}']
    for _ in range(dice.randint(2, 4)):
        kind = dice.randrange(11)
        after = dice.randint(0, 200)
        if kind < 3:
            chosen.append(f'fault command io {dice.choice(_ANSWERS)} chance={dice.randint(1, 2)}')
        elif kind < 5:
            chosen.append(f'fault command io {dice.choice(_LIES)} chance={dice.randint(1, 50)}')
        elif kind == 5:
            chosen.append(f'fault command io {dice.choice(("keep", "lose", "silent"))} after={after} count=1')
        elif kind == 6:
            chosen.append(f'fault command io late={dice.randint(10, 6000)} after={after} '
                          f'count={dice.randint(1, 3)}')
        elif kind == 7:
            chosen.append(f'fault doorbell lose after={after // 10} count=1')
        elif kind == 8:
            chosen += [f'fault command io keep after={after} count=1', f'fault tmf {dice.choice(_TMFS)}']
        elif kind == 9:
            chosen.append(f'fault command io {dice.choice(_BREAKS)} after={after} count=1')
        else:
            chosen += dice.choice((
                ['stop', f'in {dice.randint(200, 7000)} go'],
                [f'in {dice.randint(0, 500)} stop', f'in {dice.randint(600, 4000)} go'],
                [f'storm {dice.randint(1, 300)} {dice.choice((1, 2, 3, 77))} 01000000 {dice.choice((1, 3, 0x92a))}'],
                ['drop-events on', 'event 1 01010000 1', f'in {dice.randint(10, 900)} drop-events off']))
    return chosen
