import pytest
import torch

from spaces.single_thread import use_single_thread


def test_the_number_of_threads_is_one_inside_and_as_before_after_errors_too():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with pytest.raises(ValueError, match="inside"), use_single_thread():
            assert torch.get_num_threads() == 1
            raise ValueError("inside")
        assert torch.get_num_threads() == 2
        assert use_single_thread()(torch.get_num_threads)() == 1
    finally:
        torch.set_num_threads(before)
