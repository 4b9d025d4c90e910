"""Reads a shared file as a page does, and slowly: elements, index, chunks, cells."""

from __future__ import annotations

import json
import zlib
from base64 import b64decode
from html.parser import HTMLParser

import msgspec
import numpy as np

from nnviz_widgets.sharing.document import DATA_ID, INDEX_ID, MANIFEST_ID, Document

SCRIPT = "globalThis.shown = true;"
STYLE = "body { margin: 0 }"


class _Elements(HTMLParser):
    """Gathers the tags, the text of each script by id, and the text of everything else."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.tags, self.attributes, self.scripts, self.texts = [], [], {}, []
        self._script = None

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag == "script":
            self._script = dict(attrs).get("id", "")
            self.scripts[self._script] = ""

    def handle_endtag(self, tag):
        if tag == "script":
            self._script = None

    def handle_data(self, data):
        if self._script is None:
            self.texts.append(data)
        else:
            self.scripts[self._script] += data


def refuse(constant):
    """Refuse NaN and the infinities, as the JSON of a browser does."""
    raise ValueError(f"{constant} is no JSON")


class SharedFile:
    """A file that was read."""

    def __init__(self, text: str) -> None:
        parser = _Elements()
        parser.feed(text)
        parser.close()
        self.html = text
        self.tags, self.attributes, self.scripts = parser.tags, parser.attributes, parser.scripts
        self.text = "".join(parser.texts)
        self.index = inflate(b64decode(self.scripts[INDEX_ID], validate=True))
        json.loads(self.index, parse_constant=refuse)
        self.manifest = json.loads(self.scripts[MANIFEST_ID], parse_constant=refuse)
        self.document = msgspec.json.decode(self.index, type=Document, strict=True)
        self.data = self.scripts[DATA_ID]

    def chunk(self, number: int) -> bytes:
        """The bytes of one chunk."""
        chunk = self.document.chunks[number]
        assert chunk.start % 4 == 0
        assert chunk.length % 4 == 0
        data = inflate(b64decode(self.data[chunk.start : chunk.start + chunk.length], validate=True))
        assert len(data) == chunk.n_bytes
        return data

    def array(self, number: int, dtype: str) -> np.ndarray:
        """One chunk as an array."""
        return np.frombuffer(self.chunk(number), dtype)

    def cells(self, picture) -> np.ndarray:
        """The bfloat16 patterns of a picture, `(rows, columns)`."""
        plane = self.document.headers[picture.header]
        data = np.frombuffer(self.chunk(picture.cells), np.uint8)
        if picture.palette >= 0:
            bits = self.array(picture.palette, "<u2")[data]
        else:
            assert plane.encoding == "bf16"
            bits = data[: data.size // 2].astype("u2") | (data[data.size // 2 :].astype("u2") << 8)
        return bits.reshape(plane.rows, plane.cols)

    def pictures(self, layer=None, tensor=None, part="map", step=None, sample=None, variable=...):
        """The stored pictures that are of all this."""
        found = []
        for picture in self.document.pictures:
            plane = self.document.headers[picture.header]
            if (
                layer in (None, picture.layer)
                and tensor in (None, plane.tensor)
                and part in (None, plane.part)
                and step in (None, picture.step)
                and (sample is None or picture.sample in (None, sample))
                and variable in (..., plane.variable)
            ):
                found.append(picture)
        return found

    def every_byte(self) -> list[bytes]:
        """The file as it is, everything in it that is packed, unpacked, and the cells of all pictures."""
        chunks = [self.chunk(i) for i in range(len(self.document.chunks))]
        cells = [self.cells(picture).tobytes() for picture in self.document.pictures if picture.cells >= 0]
        return [self.html.encode(), self.index, *chunks, *cells]


def inflate(data: bytes) -> bytes:
    """Inflate all of what was deflated without a header."""
    reader = zlib.decompressobj(-zlib.MAX_WBITS)
    found = reader.decompress(data) + reader.flush()
    assert reader.eof
    assert not reader.unused_data
    return found


def values(bits: np.ndarray) -> np.ndarray:
    """The values of bfloat16 patterns."""
    return (bits.astype(np.uint32) << 16).view(np.float32)
