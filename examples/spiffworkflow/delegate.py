"""How SpiffWorkflow reaches Crosspoint: one script engine with one method."""

import json
import os
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from SpiffWorkflow.bpmn import BpmnEvent
from SpiffWorkflow.bpmn.exceptions import WorkflowTaskException
from SpiffWorkflow.bpmn.script_engine import PythonScriptEngine
from SpiffWorkflow.spiff.specs.event_definitions import ErrorEventDefinition
from SpiffWorkflow.util.task import TaskState


class CrosspointEngine(PythonScriptEngine):
    """Runs scripts as ever, and sends service tasks to the Crosspoint at `url`."""

    def __init__(self, url):
        super().__init__()
        self.url = url

    def call_service(self, task, operation_name, operation_params):
        arguments = {name: parameter["value"] for name, parameter in operation_params.items()}
        arguments |= {"spiff__task_id": str(task.id), "spiff__task_data": task.data}
        headers = {"Content-Type": "application/json"}
        if key := os.environ.get("CONNECTOR_PROXY_API_KEY"):
            headers["Spiff-Connector-Proxy-Api-Key"] = key
        body = json.dumps(arguments).encode()
        try:
            with urlopen(Request(f"{self.url}/v1/do/{operation_name}", body, headers), timeout=45) as answer:
                text = answer.read()
        except HTTPError as refusal:  # 400, 404, 5xx: the envelope is in the body here too
            text = refusal.read()
        if error := json.loads(text).get("error"):
            throw(task, error)
        return text


def throw(task, error):
    """Hands the error to the boundary event that catches its code; without one the process fails."""
    if isinstance(error, str):  # what a wrong key is told
        raise WorkflowTaskException(error, task=task)
    definition = ErrorEventDefinition(error["error_code"], code=error["error_code"])
    event = BpmnEvent(definition, payload=error, target=task.workflow)
    if not task.workflow.get_tasks(catches_event=event, state=TaskState.WAITING):
        raise WorkflowTaskException(f"{error['error_code']}: {error['message']}", task=task)
    task.workflow.top_workflow.catch(event)
