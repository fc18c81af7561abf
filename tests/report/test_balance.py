from __future__ import annotations

import dataclasses

from hypotest.records.results import CovariateBalance, Results
from hypotest.report.balance import balance_paragraphs, unmatched_covariates


def balanced(results: Results, *rows: CovariateBalance) -> Results:
    return dataclasses.replace(results, group=dataclasses.replace(results.group, balance=rows))


def test_without_matching_there_is_nothing_to_balance(results: Results) -> None:
    assert list(balance_paragraphs(balanced(results))) == []


def test_before_and_after_stand_side_by_side(results: Results) -> None:
    text = "\n".join(balance_paragraphs(results))
    assert "| activation_mean | 1.312 | 0.041 |" in text
    assert "none exceeds 0.25, the most allowed" in text
    assert unmatched_covariates(results) == ()


def test_what_is_left_above_a_quarter_sd_is_named_in_either_direction(results: Results) -> None:
    apart = balanced(
        results,
        CovariateBalance("covariate_matched", "activation_mean", 1.0, 0.25),
        CovariateBalance("covariate_matched", "activation_sd", 1.0, 0.251),
        CovariateBalance("covariate_matched", "output_norm", -1.0, -0.3),
    )
    assert unmatched_covariates(apart) == ("activation_sd", "output_norm")
    text = "\n".join(balance_paragraphs(apart))
    assert "| output_norm | -1.000 | **-0.300** |" in text
    assert "more than 0.25 is left in activation_sd and output_norm: no conclusion" in text
