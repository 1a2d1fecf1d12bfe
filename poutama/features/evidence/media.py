"""Sound and video made fit to be served: all that is not needed to play it is taken out.

`documents` calls it, in a process with limits. Nothing is decoded or encoded: a copy of the file is
changed in place, so that every offset in it stays right. One module reads each container: `mp4`,
`webm`, `ogg`, `wav` and `mp3`. They keep what is known to be needed, overwrite what is not, and
refuse what they do not understand. What is inside a codec's own data is not looked at.

They are ours because no library does it that we could ship: those that write tags are under the
GPL, those that transcode weigh a hundred megabytes and bring every decoder there is, and those that
read tags leave them where they are.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from mmap import mmap
from pathlib import Path
from shutil import copyfile

from poutama.features.evidence.media_bytes import Bytes, Media, damaged_media
from poutama.features.evidence.mp3 import clean_mp3
from poutama.features.evidence.mp4 import clean_mp4
from poutama.features.evidence.ogg import clean_ogg
from poutama.features.evidence.types import MP3, MP4, MP4_AUDIO, OGG, QUICKTIME, WAV, WEBM
from poutama.features.evidence.wav import clean_wav
from poutama.features.evidence.webm import clean_webm

_READERS: dict[str, Callable[[Bytes], Media]] = {
    MP3.media_type: clean_mp3,
    MP4.media_type: clean_mp4,
    MP4_AUDIO.media_type: clean_mp4,
    OGG.media_type: clean_ogg,
    QUICKTIME.media_type: clean_mp4,
    WAV.media_type: clean_wav,
    WEBM.media_type: clean_webm,
}
MEDIA_TYPES = frozenset(_READERS)
"""What `sniff_type` finds of sound and video; with sound alone it is served as sound."""


def clean_media(source: Path, target: Path, media_type: str) -> Media:
    """Write a copy without what is not needed to hear and see it; deterministic.

    Args:
        source: the file.
        target: where the copy is written.
        media_type: what it is, as `sniff_type` finds it.

    Raises:
        UnfitFileError: it is damaged, or not understood.
    """
    if source.stat().st_size == 0:
        raise damaged_media()
    copyfile(source, target)
    with target.open("r+b") as file:
        try:
            with mmap(file.fileno(), 0) as data:
                media = _READERS[media_type](data)
                data.flush()
        except (IndexError, ArithmeticError, struct.error) as error:
            raise damaged_media() from error
        file.truncate(media.size)
    return media
