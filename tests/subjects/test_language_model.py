import json
import shutil

import pytest
import torch

from hypotest.errors import SubjectError
from hypotest.subjects.loading.devices import resolve_device
from hypotest.subjects.loading.loading import load_language_model


def test_sizes_and_layer(small_subject):
    described = small_subject.describe()
    assert (described["layer"], described["n_layers"], described["n_heads"]) == (3, 4, 4)
    assert (described["n_neurons"], described["d_model"], described["vocab_size"]) == (96, 32, 400)
    assert small_subject.context == 32


def test_fingerprint_follows_the_weights(small_model_folder, small_subject):
    again, changed = (load_language_model(str(small_model_folder), device="cpu") for _ in range(2))
    assert again.fingerprint == small_subject.fingerprint
    changed.model.lm_head.weight[0, 0] += 1
    assert changed.fingerprint != small_subject.fingerprint


def test_encode_and_decode(small_subject, small_documents):
    (ids,) = small_subject.encode([small_documents[0]])
    assert "".join(small_subject.token(token) for token in ids) == small_documents[0]


def test_relative_folders_start_from_the_protocol(small_model_folder):
    subject = load_language_model("small", device="cpu", base=small_model_folder.parent)
    assert subject.n_neurons == 96


def test_a_model_that_is_nowhere_says_where_it_was_looked_for(tmp_path):
    with pytest.raises(SubjectError, match=r"cannot load 'no/such-model'.*cache of Hugging Face"):
        load_language_model("no/such-model", device="cpu", base=tmp_path)


def test_a_folder_without_a_model(tmp_path):
    with pytest.raises(SubjectError, match=r"no config\.json"):
        load_language_model(str(tmp_path), device="cpu")


@pytest.mark.parametrize(
    ("layer", "message"), [(9, "layers 0 to 3"), (-5, "from the end -1 to -4; found -5")]
)
def test_layers_that_are_not_there(small_model_folder, layer, message):
    with pytest.raises(SubjectError, match=message):
        load_language_model(str(small_model_folder), layer=layer, device="cpu")


@pytest.mark.parametrize(("layer", "number"), [("last", 3), (-1, 3), (-2, 2), (1, 1)])
def test_layers_count_from_both_ends(small_model_folder, layer, number):
    assert load_language_model(str(small_model_folder), layer=layer, device="cpu").layer == number


def test_weights_of_another_family_are_refused(small_model_folder, tmp_path):
    folder = tmp_path / "bloom"
    shutil.copytree(small_model_folder, folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "model_type": "bloom", "n_layer": 4}))
    with pytest.raises(SubjectError, match=r"lack parameters that its config\.json asks for \(\d+, such as"):
        load_language_model(str(folder), device="cpu")


def test_damaged_weights_are_a_clear_error(small_model_folder, tmp_path):
    folder = tmp_path / "damaged"
    shutil.copytree(small_model_folder, folder)
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(SubjectError, match="cannot load"):
        load_language_model(str(folder), device="cpu")


def test_devices():
    assert resolve_device("cpu") == torch.device("cpu")
    if not torch.cuda.is_available():
        with pytest.raises(SubjectError, match=r"device=cuda is not available.*cpu"):
            resolve_device("cuda")
    with pytest.raises(SubjectError, match="device=tpu"):
        resolve_device("tpu")
