from tests.browser.golden_frame import TARGET, as_text, golden


def test_the_page_is_tested_against_the_frame_that_this_writes() -> None:
    assert TARGET.read_text(encoding="ascii") == as_text()


def test_the_server_reads_what_the_page_reads() -> None:
    from footloom.server.wire.codec import decode

    frame = decode(golden())
    assert frame.kind == "snapshot"
    assert (frame.topic_id, frame.topic_seq, frame.prev_seq) == (42, 2**53 - 1, 41)
    assert frame.bars["cvd"].tolist() == [-4321.0, -3071.0]
    assert frame.bars["level_start"].tolist() == [0, 2, 5]
    assert frame.levels["cell_flags"].tolist() == [0, 5, 0, 1, 2]
