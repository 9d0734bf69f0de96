"""`python -m tests.emulators`: stand-ins of the providers, for as long as it runs. Its first lines
say where they are, as settings; an empty line ends them."""

from __future__ import annotations

import asyncio
import sys

from tests.emulators.models import Says, models
from tests.emulators.speech import speech


async def main() -> None:
    async with speech() as heard, models() as thinks:
        thinks.script = [Says("I am a stand-in and know only this sentence.")]
        where = {
            "DEEPGRAM_BASE_URL": heard.url,
            "CARTESIA_BASE_URL": heard.url,
            "OPENAI_BASE_URL": f"{thinks.url}/v1",
            "GOOGLE_BASE_URL": thinks.url,
        }
        sys.stdout.write("".join(f"{name}={url}\n" for name, url in where.items()) + "\n")
        sys.stdout.flush()
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    asyncio.run(main())
