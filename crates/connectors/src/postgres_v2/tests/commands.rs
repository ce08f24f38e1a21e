//! Each command, and what hostile arguments cannot do.

use crosspoint_core::{Connector, Safety, Type};
use crosspoint_net::{Http, Settings};
use serde_json::{Value, json};

use super::kit::{Bench, body, unique};
use crate::postgres_v2::testing::server;
use crate::postgres_v2::{Config, connector};

/// A table `states` under a name of its own, filled as the original package's README does.
async fn states(bench: &Bench) -> String {
    let table = unique("states");
    let create = json!({"table_name": table, "schema": {"column_definitions": [
        {"name": "country", "type": "varchar(255)"},
        {"name": "state", "type": "varchar(13)"},
        {"name": "abbrev", "type": "char(2)"},
        {"name": "somenum", "type": "int"},
    ]}});
    let created = bench.call("CreateTableV2", create).await.unwrap();
    assert_eq!(body(&created), json!({"result": "ok"}));
    let insert = json!({"table_name": table, "schema": {
        "columns": ["country", "state", "abbrev", "somenum"],
        "values": [["USA", "Georgia", "GA", 33], ["USA", "Virginia", "VA", 55]],
    }});
    let inserted = bench.call("InsertValuesV2", insert).await.unwrap();
    assert_eq!(body(&inserted), json!({"result": "2 rows affected"}));
    table
}

async fn select(bench: &Bench, table: &str, schema: Value) -> Value {
    let arguments = json!({"table_name": table, "schema": schema});
    body(&bench.call("SelectValuesV2", arguments).await.unwrap())
}

#[test]
fn the_catalogue_is_that_of_the_original_package() {
    let client = Http::new(Settings::default()).unwrap();
    let connector = connector(&Config::default(), client);
    let schema = ["database_connection_str", "table_name", "schema"];
    let wanted: [(&str, &[&str]); 7] = [
        ("CreateTableV2", &schema),
        ("DeleteValuesV2", &schema),
        ("DoSQL", &["database_connection_str", "schema"]),
        ("DropTableV2", &["database_connection_str", "table_name"]),
        ("InsertValuesV2", &schema),
        ("SelectValuesV2", &schema),
        ("UpdateValuesV2", &schema),
    ];
    let commands = &connector.manifest().commands;
    assert_eq!(commands.len(), wanted.len());
    for (command, (name, parameters)) in commands.iter().zip(wanted) {
        let names: Vec<_> = command.parameters.iter().map(|p| p.name.as_str()).collect();
        assert_eq!(
            (command.name.as_str(), names.as_slice()),
            (name, parameters)
        );
        assert!(command.parameters.iter().all(|p| p.required), "{name}");
        assert!(command.parameters[0].secret, "{name}");
        assert_eq!(command.parameters[0].types, [Type::String], "{name}");
        let reads = name == "SelectValuesV2";
        assert_eq!(command.safety == Safety::ReadOnly, reads, "{name}");
    }
}

#[tokio::test]
async fn the_readme_of_the_package_can_be_followed() {
    let bench = Bench::new();
    let table = states(&bench).await;
    let columns = json!(["country", "state", "abbrev", "somenum"]);
    assert_eq!(
        select(&bench, &table, json!({ "columns": columns })).await,
        json!([["USA", "Georgia", "GA", 33], ["USA", "Virginia", "VA", 55]])
    );
    let where_33 = json!({"columns": columns, "where": [["somenum", "=", 33]]});
    assert_eq!(
        select(&bench, &table, where_33).await,
        json!([["USA", "Georgia", "GA", 33]])
    );
    let update = json!({"table_name": table, "schema": {
        "set": {"abbrev": "ZZ"}, "where": [["abbrev", "=", "VA"]],
    }});
    let updated = bench.call("UpdateValuesV2", update).await.unwrap();
    assert_eq!(body(&updated), json!({"result": "1 rows affected"}));
    let delete = json!({"table_name": table, "schema": {
        "where": [["somenum", "<", 100], ["abbrev", "!=", "GA"]],
    }});
    let deleted = bench.call("DeleteValuesV2", delete).await.unwrap();
    assert_eq!(body(&deleted), json!({"result": "1 rows affected"}));
    assert_eq!(
        server().psql(&format!("select abbrev, somenum from {table}")),
        "GA|33"
    );
    let dropped = bench
        .call("DropTableV2", json!({ "table_name": table }))
        .await
        .unwrap();
    assert_eq!(body(&dropped), json!({"result": "ok"}));
    let again = bench
        .call("DropTableV2", json!({ "table_name": table }))
        .await
        .unwrap();
    assert_eq!(body(&again), json!({"result": "ok"}));
}

#[tokio::test]
async fn without_conditions_all_rows_are_meant_and_without_rows_none() {
    let bench = Bench::new();
    let table = states(&bench).await;
    let update = json!({"table_name": table, "schema": {"set": {"somenum": null}}});
    let updated = bench.call("UpdateValuesV2", update).await.unwrap();
    assert_eq!(body(&updated), json!({"result": "2 rows affected"}));
    let insert = json!({"table_name": table, "schema": {"columns": ["state"], "values": []}});
    let inserted = bench.call("InsertValuesV2", insert).await.unwrap();
    assert_eq!(body(&inserted), json!({"result": "0 rows affected"}));
    let delete = json!({"table_name": table, "schema": {}});
    let deleted = bench.call("DeleteValuesV2", delete).await.unwrap();
    assert_eq!(body(&deleted), json!({"result": "2 rows affected"}));
}

#[tokio::test]
async fn names_are_folded_and_qualified_as_in_sql() {
    let bench = Bench::new();
    let table = states(&bench).await;
    let upper = format!("PUBLIC.{}", table.to_uppercase());
    let schema = json!({"columns": ["Country", "*"], "where": [["SomeNum", ">", 50]]});
    assert_eq!(
        select(&bench, &upper, schema).await,
        json!([["USA", "USA", "Virginia", "VA", 55]])
    );
    let strange = format!("\"{} Größe; \"\"x\"\"\"", unique("t"));
    let create = json!({"table_name": strange, "schema": {"column_definitions": [
        {"name": "\"Mixed Case\"", "type": "int"}, {"name": "order", "type": "int default 7"},
    ]}});
    bench.call("CreateTableV2", create).await.unwrap();
    let insert = json!({"table_name": strange, "schema": {
        "columns": ["\"Mixed Case\""], "values": [[1]],
    }});
    bench.call("InsertValuesV2", insert).await.unwrap();
    let schema = json!({"columns": ["order", "\"Mixed Case\""]});
    assert_eq!(select(&bench, &strange, schema).await, json!([[7, 1]]));
}

#[tokio::test]
async fn no_argument_can_smuggle_sql_in() {
    let bench = Bench::new();
    let table = states(&bench).await;
    let attacks = [
        format!("x; drop table {table}; --"),
        format!("x\"; drop table {table}; --"),
        format!("x' ; drop table {table}; --"),
        format!("{table} where 1=1; drop table {table}"),
        format!("x) values (1); drop table {table}; --"),
    ];
    for attack in &attacks {
        for (command, arguments) in [
            (
                "SelectValuesV2",
                json!({"table_name": attack, "schema": {"columns": ["*"]}}),
            ),
            (
                "SelectValuesV2",
                json!({"table_name": table, "schema": {"columns": [attack]}}),
            ),
            (
                "SelectValuesV2",
                json!({"table_name": table, "schema": {
                    "columns": ["*"], "where": [[attack, "=", 1]]}}),
            ),
            (
                "SelectValuesV2",
                json!({"table_name": table, "schema": {
                    "columns": ["*"], "where": [["somenum", attack, 1]]}}),
            ),
            (
                "DeleteValuesV2",
                json!({"table_name": attack, "schema": {}}),
            ),
            (
                "UpdateValuesV2",
                json!({"table_name": table, "schema": {"set": {attack: 1}}}),
            ),
            (
                "InsertValuesV2",
                json!({"table_name": table, "schema": {"columns": [attack], "values": [[1]]}}),
            ),
            (
                "CreateTableV2",
                json!({"table_name": unique("t"), "schema": {"column_definitions": [
                    {"name": "a", "type": attack}]}}),
            ),
        ] {
            let result = bench.call(command, arguments.clone()).await;
            assert!(result.is_err(), "{command} {arguments}");
        }
        let schema = json!({"columns": ["state"], "where": [["state", "=", attack]]});
        assert_eq!(select(&bench, &table, schema).await, json!([]));
        let dropped = bench
            .call("DropTableV2", json!({ "table_name": attack }))
            .await;
        assert!(dropped.is_ok(), "there is no table of that name to drop");
    }
    assert_eq!(server().psql(&format!("select count(*) from {table}")), "2");
}

#[tokio::test]
async fn free_sql_binds_its_values_and_answers_as_asked() {
    let bench = Bench::new();
    assert_eq!(
        bench
            .rows("select %s::int + 1, %s::text", json!([41, "'; drop"]))
            .await,
        json!([[42, "'; drop"]])
    );
    assert_eq!(
        bench
            .rows(
                "select %(b)s::int, %(a)s::int, 'a%%b'",
                json!({"a": 1, "b": 2})
            )
            .await,
        json!([[2, 1, "a%b"]])
    );
    assert_eq!(
        bench.rows("select 7 %% 4, 7 % 4", json!([])).await,
        json!([[3, 3]])
    );
    for (sql, answer) in [
        ("select generate_series(1, 3)", "3 rows affected"),
        ("show DateStyle", "1 rows affected"),
        ("set x.y to 'z'", "ok"),
        (
            "create temp table q as select generate_series(1, 4)",
            "4 rows affected",
        ),
        ("select 1; select 2 where false", "0 rows affected"),
        ("do $$ begin perform 1; end $$", "ok"),
    ] {
        let result = bench
            .call("DoSQL", json!({"schema": {"sql": sql}}))
            .await
            .unwrap();
        assert_eq!(body(&result), json!({ "result": answer }), "{sql}");
    }
}

#[tokio::test]
async fn every_statement_with_rows_answers_with_them() {
    let bench = Bench::new();
    let table = unique("t");
    server().psql(&format!("create table {table} (id serial, a int)"));
    let insert = format!("insert into {table} (a) values (%s), (%s) returning id, a");
    assert_eq!(
        bench.rows(&insert, json!([10, 20])).await,
        json!([[1, 10], [2, 20]])
    );
    let with =
        format!("with gone as (delete from {table} where a = %s returning a) select * from gone");
    assert_eq!(bench.rows(&with, json!([10])).await, json!([[10]]));
    assert_eq!(
        bench.rows("show bytea_output", json!([])).await,
        json!([["hex"]])
    );
    assert_eq!(
        bench.rows("values (1), (2)", json!([])).await,
        json!([[1], [2]])
    );
    assert_eq!(
        bench.rows(&format!("table {table}"), json!([])).await,
        json!([[2, 20]])
    );
    let plan = bench.rows("explain select 1", json!([])).await;
    assert!(plan[0][0].as_str().unwrap().contains("Result"), "{plan}");
    let cursor = "declare p99999 cursor for select 'cursor'; fetch all from p99999";
    assert_eq!(bench.rows(cursor, json!([])).await, json!([["cursor"]]));
    let none = format!("select a from {table} where a = %s");
    assert_eq!(bench.rows(&none, json!([99])).await, json!([]));
    assert_eq!(server().psql(&format!("select count(*) from {table}")), "1");
}

#[tokio::test]
async fn several_statements_are_one_transaction() {
    let bench = Bench::new();
    let table = unique("t");
    let good = format!("create table {table} (a int); insert into {table} values (%s), (%s);");
    let schema = json!({"sql": good, "values": [1, 2]});
    let result = bench
        .call("DoSQL", json!({ "schema": schema }))
        .await
        .unwrap();
    assert_eq!(body(&result), json!({"result": "2 rows affected"}));
    let bad = format!("delete from {table}; select 1 / 0");
    assert_eq!(bench.failure(&bad, json!([])).await.code, "DivisionByZero");
    assert_eq!(server().psql(&format!("select count(*) from {table}")), "2");
    let own = format!("begin; delete from {table} where a = 1; commit; select a from {table}");
    assert_eq!(bench.rows(&own, json!([])).await, json!([[2]]));
    let undone = format!("delete from {table}; rollback; select now() is not null");
    assert_eq!(bench.rows(&undone, json!([])).await, json!([[true]]));
    assert_eq!(server().psql(&format!("select count(*) from {table}")), "1");
}

#[tokio::test]
async fn a_select_can_change_nothing() {
    let bench = Bench::new();
    let (sequence, view) = (unique("s"), unique("v"));
    server().psql(&format!("create sequence {sequence}"));
    server().psql(&format!(
        "create view {view} as select nextval('{sequence}') as n"
    ));
    let arguments = json!({"table_name": view, "schema": {"columns": ["n"]}});
    let failure = bench.call("SelectValuesV2", arguments).await.unwrap_err();
    assert_eq!(failure.code, "ReadOnlySqlTransaction");
}
