"""The file: plain tar, the same bytes for the same results, no byte of it changes unseen."""

import io
import json
import subprocess
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
from archives import RESULTS, pack

from wildpaper.archive.layout import END, Index, Member, front, header, open_archive, padding
from wildpaper.archive.unpack import restore_files
from wildpaper.archive.verify import verify_archive
from wildpaper.errors import WildpaperError
from wildpaper.files import sha256_file


def verify(path="tiny.tar"):
    verify_archive(Path(path), Path("verified.json"))
    return json.loads(Path("verified.json").read_text(encoding="utf-8"))


def flip(path, at):
    data = bytearray(Path(path).read_bytes())
    data[at] ^= 1
    Path(path).write_bytes(data)


def test_any_tar_unpacks_it_and_the_bytes_are_stable(run_files):
    pack(run_files, "a.tar")
    pack(run_files, "b.tar")
    assert Path("a.tar").read_bytes() == Path("b.tar").read_bytes()
    subprocess.run(["tar", "--extract", "--file", "a.tar", "--one-top-level=out"], check=True)
    label = "annotate/tokens@computed/alpaca-0.parquet"
    assert Path("out", label).read_bytes() == Path(RESULTS, label).read_bytes()
    done = subprocess.run(["sha256sum", "--check", "archive.sha256"], cwd="out")
    assert done.returncode == 0


def test_what_is_packed(run_files):
    names = list(pack(run_files).members)
    assert names == sorted(names)
    assert {name.split("/")[0] for name in names} == {
        "ingest", "annotate", "train", "evaluate", "restored",
    }  # fmt: skip
    assert verify()["n_members"] == len(names)


def test_texts_and_models_can_be_left_out(run_files):
    opened = pack(run_files, texts=False, models=False)
    gone = {member.path for member in opened.index.left_out}
    assert gone == {
        "ingest/alpaca/messages-0.parquet", "ingest/alpaca/messages-1.parquet",
        "train/wildllama/model.safetensors",
    }  # fmt: skip
    assert not gone & opened.members.keys()
    verify()


def test_a_flipped_byte_is_found_and_named_wherever_it_is(run_files):
    opened = pack(run_files)
    whole = Path("tiny.tar").read_bytes()
    fronts = len(front(opened.index.as_bytes()))
    expected = dict.fromkeys((*range(0, fronts, 97), fronts - 1), "archive")
    for member in opened.index.members:
        start = opened.starts[member.path]
        content = start + len(header(member.path, member.n_bytes))
        end = content + member.n_bytes + padding(member.n_bytes)
        for at in (start, start + 156, start + 511, content, content + member.n_bytes - 1, end - 1):
            expected[at] = member.path
    expected[len(whole) - 1] = "its end"
    for at, name in expected.items():
        flip("tiny.tar", at)
        with pytest.raises(WildpaperError) as error:
            verify()
        assert name in f"{error.value}", at
        Path("tiny.tar").write_bytes(whole)
    verify()


@pytest.mark.parametrize("cut", [1, 1024, 1025, 2000, 9000])
def test_a_truncated_archive_is_refused(run_files, cut):
    pack(run_files)
    whole = Path("tiny.tar").read_bytes()
    Path("tiny.tar").write_bytes(whole[:-cut])
    with pytest.raises(WildpaperError, match="cut short"):
        open_archive(Path("tiny.tar"))
    Path("tiny.tar").write_bytes(whole + b"\0")
    with pytest.raises(WildpaperError, match="1 bytes follow its end"):
        open_archive(Path("tiny.tar"))


def test_other_files_are_no_archives(run_files):
    Path("text.tar").write_text("no tar at all\n" * 100, encoding="utf-8")
    with pytest.raises(WildpaperError, match="does not begin with a header"):
        open_archive(Path("text.tar"))
    with tarfile.open("other.tar", "w") as other:
        other.add("manifest.json")
    with pytest.raises(WildpaperError, match="its first member is"):
        open_archive(Path("other.tar"))
    with pytest.raises(WildpaperError, match="No such file"):
        open_archive(Path("nowhere.tar"))


def test_another_format_is_named(run_files):
    content = pack(run_files).index.as_bytes().replace(b'"format":1', b'"format":9')
    Path("tiny.tar").write_bytes(front(content))
    with pytest.raises(WildpaperError, match="format 9; this version reads format 1"):
        open_archive(Path("tiny.tar"))


@pytest.mark.parametrize(
    "name",
    ["../evil", "ingest/../../evil", "/etc/passwd", "ingest//x", "publish/claims.json", "ingest",
     "ingest/.hidden", "ingest/a\nb", "ingest/./x"],
)  # fmt: skip
def test_paths_outside_are_refused(run_files, name):
    index = Index("0.1", "tiny", {}, [], {}, [Member(name, 0, "0" * 64)])
    Path("evil.tar").write_bytes(front(index.as_bytes()) + header(name, 0) + END)
    with pytest.raises(WildpaperError, match="may not write"):
        open_archive(Path("evil.tar"))


def test_a_link_is_refused(run_files):
    member = Member("ingest/link", 0, sha256_file(Path("/dev/null")))
    index = Index("0.1", "tiny", {}, [], {}, [member])
    info = tarfile.TarInfo("ingest/link")
    info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
    Path("evil.tar").write_bytes(front(index.as_bytes()) + info.tobuf() + END)
    with pytest.raises(WildpaperError, match="ingest/link is not that of a plain file"):
        verify("evil.tar")
    with pytest.raises(WildpaperError, match="not that of a plain file"):
        restore_files(Path("evil.tar"), [Path("out/ingest/link")], "out", "out/.x-" + "0" * 16)
    assert not Path("out/ingest/link").is_symlink()


def test_long_names_and_large_members_have_the_size_that_is_computed(run_files):
    name = "ingest/" + "/".join(["a" * 60] * 4)
    index = Index("0.1", "tiny", {}, [], {}, [Member(name, 0, sha256_file(Path("/dev/null")))])
    Path("long.tar").write_bytes(front(index.as_bytes()) + header(name, 0) + END)
    verify("long.tar")
    with tarfile.open("long.tar") as opened:
        assert opened.getnames()[-1] == name
    huge = Member("train/m/model.safetensors", 9 * 2**30, "0" * 64)
    index = replace(index, members=[huge])
    Path("huge.tar").write_bytes(front(index.as_bytes()))
    with pytest.raises(WildpaperError, match=r"cut short in the first member.* of 9,663,68"):
        open_archive(Path("huge.tar"))
    read = tarfile.TarInfo.frombuf(header(huge.path, huge.n_bytes), "utf-8", "strict")
    assert read.size == huge.n_bytes


def test_restored_files_are_the_packed_ones_or_none(run_files):
    opened = pack(run_files)
    names = [n for n in opened.members if n.startswith("ingest/")]
    files = [Path("out", name) for name in names]
    restore_files(Path("tiny.tar"), files, "out", "out/restored/.x-" + "0" * 16)
    for name in names:
        assert Path("out", name).read_bytes() == Path(RESULTS, name).read_bytes()
    assert not list(Path("out/restored").iterdir())
    flip("tiny.tar", opened.starts[names[-1]] + 600)
    others = [Path("other", name) for name in names]
    with pytest.raises(WildpaperError, match=names[-1]):
        restore_files(Path("tiny.tar"), others, "other", "other/restored/.x-" + "0" * 16)
    assert not any(path.exists() for path in others)


def test_a_killed_restoration_goes_on_where_it_was(run_files, caplog):
    opened = pack(run_files)
    names = [n for n in opened.members if n.startswith("ingest/")]
    gathered = Path("out/restored/.x-" + "0" * 16)
    gathered.mkdir(parents=True)
    stale = Path("out/restored/.x-" + "1" * 16)
    stale.mkdir()
    (gathered / "0").write_bytes(Path(RESULTS, names[0]).read_bytes())
    (gathered / "1").write_bytes(b"half")
    files = [Path("out", name) for name in names]
    with caplog.at_level("INFO", "wildpaper"):
        restore_files(Path("tiny.tar"), files, "out", str(gathered))
    assert f"restored {len(names)} files, 1 of them unpacked before" in caplog.text
    assert files[1].read_bytes() == Path(RESULTS, names[1]).read_bytes()
    assert not stale.exists()


def test_what_changed_after_the_manifest_is_not_packed(run_files):
    path = Path(RESULTS, "evaluate/scores.parquet")
    path.write_text("edited", encoding="utf-8")
    with pytest.raises(WildpaperError, match=r"scores\.parquet changed after"):
        pack(run_files)


def test_records_of_an_earlier_version_are_refused(run_files):
    path = Path(RESULTS, "logs/score_models/all.provenance.json")
    record = json.loads(path.read_text(encoding="utf-8"))
    del record["params"]
    path.write_text(json.dumps(record), encoding="utf-8")
    with pytest.raises(WildpaperError, match="does not say with which settings"):
        pack(run_files)


def test_no_path_of_the_machine_is_in_the_index(run_files, tmp_path):
    content = pack(run_files).index.as_bytes()
    assert str(tmp_path).encode() not in content
    assert io.BytesIO(content).read().endswith(b"\n")
