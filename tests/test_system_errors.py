import cv2
import numpy as np
import pytest

from system.errors import InputError, naming


def test_the_file_stands_in_front_where_the_text_lacks_it():
    with pytest.raises(InputError, match=r"^a\.hdr: is black$"), naming("a.hdr"):
        raise InputError("is black")
    with pytest.raises(InputError, match=r"^folder/a\.hdr is black$"), naming("a.hdr"):
        raise InputError("folder/a.hdr is black")


def test_lack_of_memory_is_one_sentence_with_a_remedy():
    sentence = r"^a\.hdr: does not fit into the memory; try --half$"
    with pytest.raises(InputError, match=sentence), naming("a.hdr", "--half"):
        np.empty(2**56)
    error = cv2.error("Insufficient memory")
    error.code = cv2.Error.StsNoMem
    with pytest.raises(InputError, match=r"^a\.hdr: does not fit"), naming("a.hdr"):
        raise error


def test_other_errors_stay():
    with pytest.raises(cv2.error), naming("a.hdr"):
        cv2.resize(np.zeros((1, 1)), (0, 0))
    with pytest.raises(KeyError), naming("a.hdr"):
        raise KeyError(1)
