from hypotest.engine.streams import Streams


def test_a_stream_depends_on_seed_and_purpose_alone():
    streams = Streams(5)
    first = streams("positions").random(3).tolist()
    streams("something else").random(100)
    assert streams("positions").random(3).tolist() == first
    assert Streams(5)("positions").random(3).tolist() == first
    assert Streams(6)("positions").random(3).tolist() != first
    assert streams("position", "s").random(3).tolist() != streams("positions").random(3).tolist()
