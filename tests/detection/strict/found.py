"""What strict mode finds in a function."""

import asyncio

from loopwatch import strict


def found_in(function, *arguments):
    """The names of what ``function`` does, called by a coroutine."""

    async def main():
        function(*arguments)

    with strict() as watcher:
        asyncio.run(main())
    return [call.name for call in watcher.calls]
