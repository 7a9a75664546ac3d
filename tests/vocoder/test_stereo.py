import torch

from angen.vocoder.stereo import widened


def test_the_right_side_is_later_and_quieter() -> None:
    mono = torch.arange(1.0, 31.0)[None]
    left, right = widened(mono, rate_hz=1000)
    assert torch.equal(left, mono[0])
    assert torch.equal(right[:10], torch.zeros(10))
    torch.testing.assert_close(right[10:], 0.8 * mono[0, :20])


def test_a_sound_shorter_than_the_delay_is_silent_on_the_right() -> None:
    assert widened(torch.ones(1, 5), rate_hz=1000)[1].tolist() == [0.0] * 5
    assert widened(torch.ones(1, 0), rate_hz=1000).shape == (2, 0)
