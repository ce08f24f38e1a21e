//! What a runtime bundle knows of its service tasks, and what it does with answers: sections 3.8, 3.9 and
//! 4.1 of the protocol.

use std::collections::HashMap;

use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable};
use serde_json::{Map, Value, json};

use super::mapping::Mapping;

const BPMN_ERROR: &str = "org.activiti.cloud.api.process.model.CloudBpmnError";

/// A service task in a process model.
#[derive(Clone, Default)]
pub struct Task {
    pub implementation: String,
    pub id: String,
    pub mapping: Mapping,
    /// The codes of its error boundary events; an empty one catches all.
    pub catches: Vec<String>,
    /// Whether its executions are instances of one task that runs several times at once.
    pub is_one_of_several: bool,
}

impl Task {
    /// One that sends and takes everything, and catches nothing.
    pub fn of(implementation: &str) -> Task {
        Task {
            implementation: implementation.to_owned(),
            id: "Task_1".to_owned(),
            mapping: Mapping::all(),
            ..Task::default()
        }
    }
}

/// Where an execution of a task is.
#[derive(Debug, Clone, PartialEq)]
pub enum Way {
    Waiting,
    /// It went on; with the process variables that it wrote, and everything that came.
    Completed {
        written: Map<String, Value>,
        outputs: Map<String, Value>,
    },
    /// A boundary event caught this code.
    Caught(String),
    /// It waits for an administrator.
    Failed(Value),
    /// The answer was for another task: nothing will ever continue it.
    Hangs,
}

/// A task that runs, or has run.
pub struct Execution {
    pub task: Task,
    pub process: Map<String, Value>,
    pub way: Way,
}

#[derive(Default)]
pub struct State {
    /// Integration contexts that wait for an answer, by id: the execution.
    pub rows: HashMap<String, String>,
    pub executions: HashMap<String, Execution>,
    pub ignored: usize,
    pub answers: Vec<Value>,
    pub count: usize,
}

/// What holds for every answer.
pub fn judge(answer: &Value, properties: &BasicProperties, headers: &FieldTable) {
    let content_type = properties
        .content_type()
        .as_ref()
        .map(|t| t.as_str().to_owned());
    assert_eq!(content_type.as_deref(), Some("application/json"));
    assert_eq!(*properties.delivery_mode(), Some(2));
    for (name, field) in [
        ("targetAppName", "appName"),
        ("targetService", "serviceFullName"),
    ] {
        let header = match headers.inner().get(name) {
            Some(AMQPValue::LongString(text)) => json!(text.to_string()),
            None => Value::Null,
            other => panic!("{name} is {other:?}"),
        };
        let asked = answer["integrationRequest"].get(field);
        assert_eq!(header, asked.cloned().unwrap_or_default(), "{name}");
    }
    let context = &answer["integrationContext"];
    assert_eq!(
        context["id"],
        answer["integrationRequest"]["integrationContext"]["id"]
    );
    assert_eq!(answer["serviceType"], json!("connector"));
    assert_eq!(answer["serviceName"], answer["serviceFullName"]);
    if answer.get("errorClassName").is_some() {
        assert!(answer["stackTraceElements"].is_array(), "{answer}");
        assert!(
            !answer["errorMessage"].as_str().unwrap().is_empty(),
            "{answer}"
        );
        assert!(answer.get("appName").is_none(), "{answer}");
    }
}

/// What a runtime bundle does with a result or an error.
pub fn take(state: &mut State, answer: Value) {
    state.answers.push(answer.clone());
    let context = &answer["integrationContext"];
    let id = context["id"].as_str().unwrap_or_default();
    if state.rows.remove(id).is_none() {
        state.ignored += 1;
        return;
    }
    let execution = context["executionId"].as_str().unwrap_or_default();
    let Some(Execution { task, process, way }) = state.executions.get_mut(execution) else {
        return;
    };
    let is_of_the_task = context["clientId"] == task.id.as_str();
    *way = match answer["errorClassName"].as_str() {
        None if is_of_the_task => {
            let outputs = context["outBoundVariables"].as_object().unwrap().clone();
            let several = task.is_one_of_several;
            match task.mapping.outputs(&outputs, process, several) {
                Ok(written) => Way::Completed { written, outputs },
                Err(_) => Way::Hangs,
            }
        }
        None => Way::Hangs,
        Some(class) => {
            let code = answer["errorCode"]
                .as_str()
                .or(answer["errorMessage"].as_str());
            let code = code.unwrap_or_default();
            let catches = |catch: &&String| catch.is_empty() || *catch == code;
            match task.catches.iter().find(catches) {
                Some(_) if class == BPMN_ERROR && is_of_the_task => Way::Caught(code.to_owned()),
                _ => Way::Failed(answer),
            }
        }
    };
}
