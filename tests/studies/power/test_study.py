from hypotest.studies.power.variants import other_sizes


def test_other_sizes_stay_within_a_fifth_of_the_layer():
    assert other_sizes(41, 2048) == (20, 82)
    assert other_sizes(300, 2048) == (150,)
    assert other_sizes(8, 96) == (16,)
