"""Small random encoders of every family with a tokenizer, and plain hooks on them in float64."""

from __future__ import annotations

import copy

import numpy as np
import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from hypotest.subjects.masking import PADDING
from hypotest.subjects.wrapping import wrap_language_model

VOCAB, CONTEXT, N_LAYERS, N_NEURONS = 101, 12, 2, 20
PAD, BEGINNING, ENDING, MASK = 1, 2, 3, 4
_SIZES = {
    "vocab_size": VOCAB,
    "hidden_size": 24,
    "num_hidden_layers": N_LAYERS,
    "num_attention_heads": 4,
    "intermediate_size": N_NEURONS,
    "max_position_embeddings": 40,
    "pad_token_id": PAD,
}
ENCODERS = {
    "bert": lambda: transformers.BertConfig(**_SIZES),
    "roberta": lambda: transformers.RobertaConfig(**_SIZES),
    "xlm-roberta": lambda: transformers.XLMRobertaConfig(**_SIZES),
    "camembert": lambda: transformers.CamembertConfig(**_SIZES),
    "distilbert": lambda: transformers.DistilBertConfig(
        vocab_size=VOCAB,
        dim=24,
        n_layers=N_LAYERS,
        n_heads=4,
        hidden_dim=N_NEURONS,
        max_position_embeddings=40,
        pad_token_id=PAD,
    ),
    "modernbert": lambda: transformers.ModernBertConfig(
        **_SIZES, local_attention=8, global_attn_every_n_layers=2, cls_token_id=BEGINNING, sep_token_id=ENDING
    ),
}


def small_tokenizer(vocab=VOCAB):
    """Words ``w5``, ``w6``, ...; a beginning and an ending around each text, as BERT's has."""
    special = ["<unk>", "<pad>", "<s>", "</s>", "<mask>"]
    words = {word: number for number, word in enumerate([*special, *(f"w{n}" for n in range(5, vocab))])}
    backend = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    backend.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", BEGINNING), ("</s>", ENDING)]
    )
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=backend,
        unk_token="<unk>",
        pad_token="<pad>",
        cls_token="<s>",
        sep_token="</s>",
        mask_token="<mask>",
    )


def encoder_model(name, scale=0.2):
    torch.manual_seed(5)
    model = transformers.AutoModelForMaskedLM.from_config(ENCODERS[name](), attn_implementation="eager")
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += scale * torch.randn_like(parameter)
    return model


def small_encoder(name, layer="last", units="neurons"):
    """A random model with every parameter moved."""
    model, tokenizer = encoder_model(name), small_tokenizer()
    return wrap_language_model(model, layer=layer, name=name, tokenizer=tokenizer, units=units)


def encoder_positions():
    """Four blocks, the last one short, and block and index of some of their positions."""
    tokens = np.random.default_rng(5).integers(5, VOCAB, (4, CONTEXT)).astype(np.int32)
    tokens[:, 0] = BEGINNING
    tokens[3, 7:] = PADDING
    block = np.repeat(np.arange(4), 3)
    index = np.array([1, 6, 10, 1, 6, 10, 2, 5, 9, 1, 3, 5], dtype=np.int64)
    return tokens, block, index


class Plain:
    """The model in float64 with plain hooks, one row at a time."""

    def __init__(self, subject):
        self.model = copy.deepcopy(subject.model).double()
        self.subject = subject
        self.down = self.model.get_submodule(subject.anatomy.at("down_projection", subject.layer))

    def row(self, tokens, index, values=None, edit=None, stream=None):
        """Loss of the masked target and the neurons at the mask, with neurons, heads or features edited."""
        text = tokens[tokens != PADDING].astype(np.int64)
        target = int(text[index + 1])
        ids = torch.from_numpy(np.append(text, ENDING))[None]
        ids[0, index + 1] = MASK
        seen = []

        def change(_module, arguments):
            neurons = arguments[0].clone()
            for neuron, after in (values or {}).items():
                neurons[:, :, neuron] = torch.as_tensor(np.asarray(after, dtype=np.float64))
            seen.append(neurons[0, index + 1].numpy())
            return (neurons,)

        hooks = [self.down.register_forward_pre_hook(change)]
        if stream is not None:
            path, feature, after = stream

            def hold(_module, _arguments, output):
                moved = output.clone()
                moved[..., feature] = torch.as_tensor(np.asarray(after, dtype=np.float64))
                return moved

            hooks.append(self.model.get_submodule(path).register_forward_hook(hold))
        if edit is not None:
            path, part = edit

            def zero(_module, arguments):
                heads = arguments[0].clone()
                heads[..., part] = 0
                return (heads,)

            hooks.append(self.model.get_submodule(path).register_forward_pre_hook(zero))
        with torch.no_grad():
            logits = self.model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits[0, index + 1]
        for hook in hooks:
            hook.remove()
        loss = torch.nn.functional.cross_entropy(logits[None], torch.tensor([target])).item()
        return loss, seen[0]

    def rows(self, tokens, block, index, values=None, edit=None):
        every = [self.row(tokens[b], int(i), values, edit) for b, i in zip(block, index, strict=True)]
        return np.array([loss for loss, _ in every]), np.stack([neurons for _, neurons in every])
