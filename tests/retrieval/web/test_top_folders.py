"""The folders by which a library is divided."""

from pathlib import PurePosixPath

from hypothesis import given
from hypothesis import strategies as st

from retrieval.web.top_folders import find_top_folders

NAMES = st.lists(st.sampled_from("abc"), min_size=1, max_size=4)
PATHS = st.lists(NAMES.map(lambda names: "/" + "/".join(names) + "/file.png"), min_size=1, max_size=30)


@given(PATHS)
def test_every_path_is_below_a_folder_and_counts_are_true(paths):
    folders = find_top_folders(paths, 1000)
    for folder, count in folders:
        assert count == sum(PurePosixPath(path).is_relative_to(folder) for path in paths)
    for path in paths:
        assert any(PurePosixPath(path).is_relative_to(folder) for folder, _ in folders)
    assert [count for _, count in folders] == sorted((count for _, count in folders), reverse=True)


@given(PATHS)
def test_the_largest_come_first_where_there_are_too_many(paths):
    assert find_top_folders(paths, 2) == find_top_folders(paths, 1000)[:2]


def test_folders_are_narrowed_to_what_they_hold():
    paths = ["/home/me/Pictures/2024/a.png", "/home/me/Pictures/2025/b.png", "/mnt/disk/Music/c.ogg"]
    assert find_top_folders(paths, 50) == [("/home/me/Pictures", 2), ("/mnt/disk/Music", 1)]
    assert find_top_folders(["/photos/a.png", "/photos/b.png"], 50) == [("/photos", 2)]
    assert find_top_folders(["/photos/a.png", "/photos/old/b.png"], 50) == [
        ("/photos", 2),
        ("/photos/old", 1),
    ]
    assert find_top_folders([], 50) == []
