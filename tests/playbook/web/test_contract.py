"""The OpenAPI document against the API itself: generated calls, good and bad, for every action."""

import shutil

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from playbook import actions
from tests.playbook.web.web import CONFIG, Clock, over

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
BOUNDED = settings(
    max_examples=4,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    database=None,
    phases=(Phase.generate,),
)


@pytest.fixture(scope="module")
def web(prepared_record, tmp_path_factory):
    path = shutil.copy(prepared_record, tmp_path_factory.mktemp("contract") / "state.db")
    config = CONFIG.model_copy(update={"serve": CONFIG.serve.model_copy(update={"requests_per_minute": 100_000})})
    with over(path, Clock(), config=config, hosts=()) as one:
        one.headers = one.token("root")
        yield one


@pytest.fixture(scope="module")
def api(web):
    return schemathesis.openapi.from_asgi("/api/openapi.json", web.app)


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("identifier", actions.identifiers())
def test_every_action_answers_as_the_document_says(api, web, identifier, mode):
    operation = api[f"/api/actions/{identifier}"]["POST"]

    @BOUNDED
    @given(case=operation.as_strategy(generation_mode=mode))
    def answers(case):
        answer = case.call(headers=web.headers)
        case.validate_response(answer, checks=CHECKS)
        # A call that is wrong on purpose may be wrong in its token too.
        assert answer.status_code != 401 or mode is GenerationMode.NEGATIVE
        assert web.contained() == ()

    answers()


def test_the_document_names_every_action(api):
    assert {one.ok().path for one in api.get_all_operations()} == {
        *(f"/api/actions/{i}" for i in actions.identifiers()),
        "/api/alerts",
        "/api/alerts/{name}",
        "/api/cases",
    }
