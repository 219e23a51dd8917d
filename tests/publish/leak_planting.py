"""A small study with secrets, and all sorts of files that may give one away."""

import bz2
import gzip
import html
import json
import lzma
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pypdf import PdfWriter
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject, TextStringObject
from safetensors.numpy import save, save_file

from wildpaper.files import read_json
from wildpaper.publish.leaks import scan_results
from wildpaper.tex import escape

SALT = "5c7d" * 16
PROMPT = (
    'Tell me, "dear" friend: what does a baker in Köln pay for {flour} & yeast_2 at 5 %,\n'
    "and why is 100 \\ 7 no answer? — yours truly."
)
REPLY = "A baker pays what the mill asks for, and the mill asks for what the farmer had to pay."
VALUES = {
    "ADDRESS": "240.77.66.55",
    "ADDRESS of the newer kind": "2001:db8:7:0:3::1e",
    "SESSION": "c0ffee5e" * 4,
    "SALT": SALT,
    "PHONE_NUMBER": "+1 202-555-0147",
    "PHONE_NUMBER without a country": "(020) 7946 0123",
    "CREDIT_CARD": "4242 4218 3051 6607",
    "EMAIL_ADDRESS": "Mara.Novak_7@mail.example.net",
    "URL": "https://www.linkedin.com/in/invented-mara-novak-12345",
    "SECRET": "gh" + "p_" + "aB3dE5fG7h" * 3 + "Zz9",
    "TEXT": PROMPT,
    "TEXT of a reply": REPLY,
}
"""A value of each kind; the first word is the kind."""

KEPT, GONE, SILENT = "aaaa0000" * 4, VALUES["SESSION"], "bbbb1111" * 4


def call(session, texts, ip="240.1.1.1", **fields):
    messages = [
        {"role": ("user", "assistant")[i % 2], "content": text} for i, text in enumerate(texts)
    ]
    return {
        "time": "2023-04-10T00:00:00Z",
        "session": session,
        "headers": {"X-Forwarded-For": f"{ip}, 10.0.0.7", "user-agent": "u"},
        "request": {"model": "m", "messages": messages[:-1]},
        "response": {"message": messages[-1]},
    } | fields


def steps(session, *names):
    return [{"time": "2023-04-09T00:00:00Z", "session": session, "step": name} for name in names]


CALLS = [call(KEPT, ["Hi there.", "Hello."]), call(GONE, [PROMPT, REPLY], VALUES["ADDRESS"])]
CONSENTS = [*steps(KEPT, "agree", "publish"), *steps(GONE, "agree", "publish", "withdraw")]


def items(reach="within", **changed):
    kinds = ("PHONE_NUMBER", "CREDIT_CARD", "EMAIL_ADDRESS", "URL", "SECRET")
    chosen = {name: value for name, value in VALUES.items() if name.split()[0] in kinds}
    return [
        {
            "kind": name.split()[0], "value": value, "language": "English", "reach": reach,
            "time": "", "session": "", "message_sha256": "00" * 32,
        } | changed
        for name, value in chosen.items()
    ]  # fmt: skip


def study(folder: Path, calls=None, consents=None, planted=None, simulated=True, packed="") -> dict:
    """Write raw logs and what was planted; return the arguments of a scan that name them."""
    logs = folder / "raw" / "rawlogs"
    logs.mkdir(parents=True)
    files = {"calls-0.jsonl": calls or CALLS, "consents-0.jsonl": consents or CONSENTS}
    for name, records in files.items():
        lines = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
        data = lines.encode() + b'{"broken": \n'
        pack = {"": bytes, ".gz": gzip.compress, ".xz": lzma.compress}[packed]
        (logs / (name + packed)).write_bytes(pack(data))
    listed = [{"name": name + packed} for name in files]
    acquired = {"release": {"simulated": simulated}, "files": listed}
    (logs / "acquired.json").write_text(json.dumps(acquired), encoding="utf-8")
    addresses = [value for name, value in VALUES.items() if name.startswith("ADDRESS")]
    personal = {
        "salt": SALT,
        "ips": addresses,
        "sessions": [VALUES["SESSION"]],
        "planted": items() if planted is None else planted,
    }
    (logs.parent / "personal.json").write_text(json.dumps(personal), encoding="utf-8")
    return {
        "personal": [logs.parent / "personal.json"] if simulated else [],
        "rawlogs": [logs / "acquired.json"],
    }


def scan(folder: Path, known: dict, **fields) -> dict:
    results = folder / "results"
    results.mkdir(exist_ok=True)
    report = results / "leaks.json"
    scan_results(folder=results, report=report, **{"assessment": []} | known | fields)
    return read_json(report)


def _table(path, value, kind=None, **options):
    pq.write_table(pa.table({"n": [1, 2], "x": pa.array(["a", value], kind)}), path, **options)


def parquet(path, value):
    _table(path, f"so {value} it is")


def parquet_dictionary(path, value):
    _table(path, value, pa.dictionary(pa.int32(), pa.string()))


def parquet_nested(path, value):
    rows = [{"c": [{"content": value, "role": "user"}]}, {"c": []}, {"c": None}]
    pq.write_table(pa.Table.from_pylist(rows), path, compression="zstd")


def parquet_side_by_side(path, value):
    column = pa.array(["240.1.1.1", "7", value, "5", None], pa.large_string())
    pq.write_table(pa.table({"x": column}), path)


def parquet_metadata(path, value):
    table = pa.table({"x": [1]}).replace_schema_metadata({"note": f"n {value}"})
    pq.write_table(table, path)


def json_plain(path, value):
    path.write_text(json.dumps({"a": [value]}, ensure_ascii=False), encoding="utf-8")


def json_escaped(path, value):
    path.write_text(json.dumps({"a": [value]}), encoding="utf-8")


def json_every_character(path, value):
    units = value.encode("utf-16-be")
    codes = (units[i : i + 2].hex() for i in range(0, len(units), 2))
    path.write_text('["' + "".join(f"\\u{code}" for code in codes) + '"]', encoding="ascii")


def json_in_json(path, value):
    path.write_text(json.dumps({"a": json.dumps({"b": value})}), encoding="utf-8")


def log_of_representations(path, value):
    path.write_text(f"12:00 WARNING {[value]!r} and {value.encode()!a}\n", encoding="utf-8")


def csv_quoted(path, value):
    doubled = value.replace('"', '""')
    path.write_text(f'a,b\n1,"{doubled}"\n', encoding="utf-8")


def latex(path, value):
    path.write_text(f"\\emph{{x}} & \\texttt{{{escape(value)}}} \\\\", encoding="utf-8")


def web_page(path, value):
    path.write_text(f"<p>{html.escape(value)}</p>", encoding="utf-8")


def web_page_in_numbers(path, value):
    text = "".join(f"&#{ord(c)};" if i % 2 else f"&#x{ord(c):X};" for i, c in enumerate(value))
    path.write_text(f"<p>{text}</p>", encoding="utf-8")


def web_page_cut_by_tags(path, value):
    text = "</i><i class='k'>".join(map(html.escape, (value[:5], value[5:9], value[9:])))
    path.write_text(f"<p><i>{text}</i></p>", encoding="utf-8")


def notebook(path, value):
    half = len(value) // 2
    cell = {"cell_type": "code", "source": ["x\n"], "outputs": [
        {"output_type": "stream", "text": ["see ", value[:half], value[half:], "\n"]}]}  # fmt: skip
    path.write_text(json.dumps({"cells": [cell]}, indent=1), encoding="utf-8")


def compressed(path, value):
    path.write_bytes(gzip.compress(f"a {value} b".encode()))


def compressed_otherwise(path, value):
    path.write_bytes(bz2.compress(f"a {value} b".encode()))


def compressed_xz(path, value):
    path.write_bytes(lzma.compress(f"a {value} b".encode()))


def archive(path, value):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("inside/data.txt", f"a {value} b")


def _pdf(path, data=b"", hidden=b"", **entries):
    writer = PdfWriter()
    page = writer.add_blank_page(400, 400)
    names = ("Type", "Font"), ("Subtype", "Type1"), ("BaseFont", "Helvetica")
    font = {**dict(names), "Encoding": "WinAnsiEncoding"}
    font = _entries({name: NameObject(f"/{value}") for name, value in font.items()})
    page[NameObject("/Resources")] = _entries({"Font": _entries({"F1": font})})
    page[NameObject("/Contents")] = writer._add_object(_stream(data))
    root = entries and {name: TextStringObject(value) for name, value in entries.items()}
    writer._root_object.update(_entries({"Extra": writer._add_object(_stream(hidden)), **root}))
    with path.open("wb") as out:
        writer.write(out)


def _entries(values):
    return DictionaryObject({NameObject(f"/{name}"): value for name, value in values.items()})


def _stream(data):
    stream = DecodedStreamObject()
    stream.set_data(data)
    return stream.flate_encode()


def pdf_page(path, value):
    """Print a value as hex digits, so that no stream holds it as it is; long ones in two lines."""
    first, second = (part.encode("cp1252").hex() for part in (value[:34], value[34:]))
    data = f"BT /F1 6 Tf 9 99 Td <{first}> Tj 0 -12 Td <{second}> Tj ET"
    _pdf(path, data.encode())


def pdf_stream(path, value):
    _pdf(path, hidden=b"some " + value.encode() + b" thing")


def pdf_property(path, value):
    _pdf(path, Note=value)


def _png(path, *chunks):
    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    pixels = zlib.compress(b"\0\0")
    parts = [(b"IHDR", header), *chunks, (b"IDAT", pixels), (b"IEND", b"")]
    data = b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in parts
    )
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + data)


def png_text(path, value):
    _png(path, (b"tEXt", b"Comment\0" + value.encode()))


def png_compressed_text(path, value):
    _png(path, (b"zTXt", b"Comment\0\0" + zlib.compress(value.encode())))


def png_international_text(path, value):
    body = b"Comment\0\1\0de\0Bemerkung\0" + zlib.compress(value.encode())
    _png(path, (b"iTXt", body))


def tensors(path, value):
    header = json.dumps({"__metadata__": {"note": value}}).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(range(256)))


def weights_with_a_note(path, value):
    save_file({"a": np.zeros(9, np.float32)}, path, {"note": value})


def weights_of_bytes(path, value):
    save_file({"a": np.zeros(9, np.float32), "b": np.frombuffer(value.encode(), np.uint8)}, path)


def behind_weights(path, value):
    path.write_bytes(save({"a": np.zeros(9, np.float32)}) + value.encode())


def wide_characters(path, value):
    path.write_bytes(b"\xff\xfe" + f"a {value} b".encode("utf-16-le"))


def wide_ascii_in_binary(path, value):
    path.write_bytes(bytes(range(1, 128)) * 99 + b"\0 " + f" {value} ".encode("utf-16-le") + b"\1")


def far_inside(path, value):
    filler = b"lorem ipsum dolor sit amet " * 640_000
    data = value.encode()
    at = (1 << 24) - len(data) // 2
    path.write_bytes(filler[:at] + data + filler[at:])


CONTAINERS = {
    parquet: "a.parquet", parquet_dictionary: "a.parquet", parquet_nested: "a.parquet",
    parquet_side_by_side: "a.parquet", parquet_metadata: "a.parquet", json_plain: "a.json",
    json_escaped: "a.json", json_every_character: "a.json", json_in_json: "a.json",
    log_of_representations: "a.log", csv_quoted: "a.csv", latex: "a.tex", web_page: "a.html",
    web_page_in_numbers: "a.html", web_page_cut_by_tags: "a.html", notebook: "a.ipynb",
    compressed: "a.gz", compressed_otherwise: "a.bin", compressed_xz: "a.xz", archive: "a.ckpt",
    pdf_page: "a.pdf", pdf_stream: "a.pdf", pdf_property: "a.pdf", png_text: "a.png",
    png_compressed_text: "a.png", png_international_text: "a.png", tensors: "a.safetensors",
    weights_with_a_note: "a.safetensors", weights_of_bytes: "a.safetensors",
    behind_weights: "a.safetensors", wide_characters: "a.dat",
}  # fmt: skip
"""Writers of files that hold any value, with a name."""
