use crosspoint_core::Json;

use super::*;
use crate::postgres_v2::schema::{self, ColumnDefinition};

fn schema<T: serde::de::DeserializeOwned>(json: &str) -> T {
    schema::read(&Json::parse(json.to_owned()).unwrap(), &[]).unwrap()
}

fn only(job: Result<Job, Failure>) -> String {
    let job = job.unwrap();
    assert_eq!(job.steps.len(), 1);
    job.steps.into_iter().next().unwrap().sql
}

fn code(job: Result<Job, Failure>) -> String {
    let failure = job.err().expect("it is refused");
    assert_eq!(failure.effect, crosspoint_core::Effect::None);
    failure.code.into_owned()
}

#[test]
fn each_command_has_its_statement() {
    let create = r#"{"column_definitions": [
        {"name": "country", "type": "varchar(255)"}, {"name": "Some Num", "type": "int"}]}"#;
    assert_eq!(
        only(Job::create("states", &schema(create))),
        r#"CREATE TABLE IF NOT EXISTS "states" ("country" varchar(255), "Some Num" int)"#
    );
    assert_eq!(only(Job::drop("a.b")), r#"DROP TABLE IF EXISTS "a"."b""#);
    let select = r#"{"columns": ["a", "*"], "where": [["b", "=", 33], ["c", "!=", "x"]]}"#;
    assert_eq!(
        only(Job::select("t", schema(select))),
        r#"SELECT "a", * FROM "t" WHERE "b" = $1 AND "c" != $2"#
    );
    assert_eq!(only(Job::delete("t", schema("{}"))), r#"DELETE FROM "t""#);
    let update = r#"{"set": {"a": 1, "b": null}, "where": [["a", "<", 2]]}"#;
    assert_eq!(
        only(Job::update("t", schema(update))),
        r#"UPDATE "t" SET "a" = $1, "b" = $2 WHERE "a" < $3"#
    );
    let insert = r#"{"columns": ["a", "b"], "values": [[1, 2], [3, 4]]}"#;
    assert_eq!(
        only(Job::insert("t", schema(insert))),
        r#"INSERT INTO "t" ("a", "b") VALUES ($1, $2), ($3, $4)"#
    );
}

#[test]
fn many_rows_are_split_over_statements() {
    let rows: Vec<_> = (0..25_000).map(|n| [n]).collect();
    let rows = serde_json::to_string(&rows).unwrap();
    let insert = format!(r#"{{"columns": ["a"], "values": {rows}}}"#);
    let job = Job::insert("t", schema(&insert)).unwrap();
    let sizes: Vec<_> = job.steps.iter().map(|step| step.values.len()).collect();
    assert_eq!(sizes, [10_000, 10_000, 5_000]);
    assert_eq!(job.steps[2].values[4_999].place, "column 'a' of row 25000");
    assert!(job.steps[2].sql.ends_with("($4999), ($5000)"));
}

#[test]
fn a_type_cannot_end_the_column_it_is_for() {
    let create = |kind: &str| {
        let column_definitions = vec![ColumnDefinition {
            name: "a".into(),
            kind: kind.into(),
        }];
        Job::create("t", &Create { column_definitions })
    };
    for kind in [
        "int",
        "numeric(10, 2) NOT NULL DEFAULT 0",
        "text default 'a,);'",
        "text[]",
        "int references other (id, b) on delete cascade",
    ] {
        assert!(create(kind).is_ok(), "{kind}");
    }
    for kind in [
        "",
        "int); drop table x; --",
        "int, b int",
        "int) inherits (x",
        "int -- ",
        "int /*",
        "int default 'x",
        "int (",
        "int\0",
    ] {
        assert_eq!(code(create(kind)), "SyntaxError", "{kind}");
    }
}

#[test]
fn what_python_would_raise_is_raised() {
    let select = r#"{"columns": ["a"], "where": [["a", "like", "x"]]}"#;
    assert_eq!(code(Job::select("t", schema(select))), "Exception");
    let insert = |rows: &str| {
        let insert = format!(r#"{{"columns": ["a", "b"], "values": {rows}}}"#);
        Job::insert("t", schema(&insert))
    };
    assert_eq!(code(insert("[[1, 2], [1]]")), "IndexError");
    assert_eq!(code(insert("[[1, 2, 3]]")), "TypeError");
    assert_eq!(
        code(Job::update("t", schema(r#"{"set": {}}"#))),
        "ValueError"
    );
    let free = |json: &str| Job::free(schema(json));
    assert_eq!(code(free(r#"{"sql": "select %s"}"#)), "IndexError");
    assert_eq!(
        code(free(r#"{"sql": "select %s", "values": [1, 2]}"#)),
        "TypeError"
    );
    assert_eq!(
        code(free(r#"{"sql": "select %(a)s", "values": {"b": 1}}"#)),
        "KeyError"
    );
    assert_eq!(code(free(r#"{"sql": " ; -- x"}"#)), "ProgrammingError");
    assert_eq!(
        code(free(r#"{"sql": "select 1; copy t to stdout"}"#)),
        "ProgrammingError"
    );
    assert_eq!(
        code(Job::select("t", schema(r#"{"columns": []}"#))),
        "ValueError"
    );
}

#[test]
fn a_missing_key_and_a_wrong_shape_are_told_apart() {
    let read = |json: &str| {
        let json = Json::parse(json.to_owned()).unwrap();
        schema::read::<Select>(&json, &["columns"])
            .map(|_| ())
            .unwrap_err()
    };
    assert_eq!(read("{}").code, "KeyError");
    assert_eq!(read("[]").code, "TypeError");
    assert_eq!(read(r#"{"columns": "a"}"#).code, "TypeError");
    let null = read(r#"{"columns": ["a"], "where": null}"#);
    assert!(null.message.contains("'where'"), "{null}");
    let short = read(r#"{"columns": ["a"], "where": [["a", "="]]}"#);
    assert!(short.message.contains("where"), "{short}");
}

#[test]
fn only_statements_without_traces_leave_a_connection_reusable() {
    let reusable = |sql: &str| {
        let free = serde_json::json!({ "sql": sql }).to_string();
        Job::free(schema(&free)).unwrap().reusable
    };
    assert!(reusable(
        "select 1; /* x */ with a as (select 1) select * from a"
    ));
    for sql in [
        "set x.y to 1",
        "select 1; listen a",
        "do $$ begin end $$",
        "prepare q as select 1",
    ] {
        assert!(!reusable(sql), "{sql}");
    }
}
