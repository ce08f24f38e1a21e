//! What goes wrong in the database, under the names that Python users catch.

use crosspoint_core::{Effect, Kind};
use serde_json::json;

use super::kit::{Bench, unique};
use crate::postgres_v2::testing::server;

#[tokio::test]
async fn errors_bear_the_names_of_python() {
    let bench = Bench::new();
    let table = unique("t");
    server().psql(&format!(
        "create table {table} (id int primary key, a int not null, b int check (b > 0), \
         c int references {table}); insert into {table} values (1, 1, 1, 1)"
    ));
    let insert = |row: &str| format!("insert into {table} values ({row})");
    for (sql, code) in [
        ("nonsense".to_owned(), "SyntaxError"),
        ("select * from nope".into(), "UndefinedTable"),
        (format!("select nope from {table}"), "UndefinedColumn"),
        ("select nope(1)".into(), "UndefinedFunction"),
        ("select 1 = 'x'::text".into(), "UndefinedFunction"),
        ("select * from nope.nope".into(), "UndefinedTable"),
        ("create table nope.nope (a int)".into(), "InvalidSchemaName"),
        (format!("create table {table} (a int)"), "DuplicateTable"),
        (insert("1, 1, 1, 1"), "UniqueViolation"),
        (insert("2, null, 1, 1"), "NotNullViolation"),
        (insert("2, 1, 0, 1"), "CheckViolation"),
        (insert("2, 1, 1, 9"), "ForeignKeyViolation"),
        ("select 'x'::int".into(), "InvalidTextRepresentation"),
        ("select 99999999999::int".into(), "NumericValueOutOfRange"),
        ("select 1 / 0".into(), "DivisionByZero"),
        (
            "select 'toolong'::varchar(3)::char(2) from nope()".into(),
            "UndefinedFunction",
        ),
        ("vacuum".into(), "ActiveSqlTransaction"),
        (
            "do $$ begin raise exception 'own'; end $$".into(),
            "RaiseException",
        ),
        (
            "do $$ begin raise exception 'own' using errcode = '42XYZ'; end $$".into(),
            "ProgrammingError",
        ),
        (
            "set statement_timeout to 'x'".into(),
            "InvalidParameterValue",
        ),
    ] {
        let result = bench.call("DoSQL", json!({"schema": {"sql": sql}})).await;
        let failure = result.expect_err(&sql);
        assert_eq!(failure.code, code, "{sql}: {failure}");
        assert_eq!(
            (failure.kind, failure.effect),
            (Kind::Reported, Effect::None),
            "{sql}"
        );
    }
    let sql = insert("1, 1, 1, 1") + " returning id";
    let failure = bench.failure(&sql, json!([])).await;
    assert!(
        failure.message.contains("Key (id)=(1) already exists"),
        "{failure}"
    );
    assert!(
        failure
            .detail
            .unwrap()
            .starts_with("SQLSTATE 23505, table ")
    );
}

#[tokio::test]
async fn rows_that_are_not_there_are_told_before_anything_is_saved() {
    let bench = Bench::new();
    let table = unique("t");
    server().psql(&format!("create table {table} (a int)"));
    let insert = format!("insert into {table} values (1)");
    let failure = bench.failure(&insert, json!([])).await;
    assert_eq!(
        (&*failure.code, failure.effect),
        ("ProgrammingError", Effect::None)
    );
    assert_eq!(server().psql(&format!("select count(*) from {table}")), "0");
}

#[tokio::test]
async fn what_fails_while_saving_is_undone_and_said() {
    let bench = Bench::new();
    let table = unique("t");
    server().psql(&format!(
        "create table {table} (a int unique deferrable initially deferred)"
    ));
    let insert = json!({"table_name": table, "schema": {"columns": ["a"], "values": [[1], [1]]}});
    let failure = bench.call("InsertValuesV2", insert).await.unwrap_err();
    assert_eq!(
        (&*failure.code, failure.effect),
        ("UniqueViolation", Effect::None)
    );
    assert_eq!(server().psql(&format!("select count(*) from {table}")), "0");
}

#[tokio::test]
async fn a_connection_that_breaks_while_saving_leaves_it_open_what_happened() {
    let bench = Bench::new();
    let table = unique("t");
    server().psql(&format!(
        "create table {table} (a int); \
         create function {table}_end() returns trigger language plpgsql as \
           $$ begin perform pg_terminate_backend(pg_backend_pid()); return null; end $$; \
         create constraint trigger t after insert on {table} deferrable initially deferred \
           for each row execute function {table}_end()"
    ));
    let insert = json!({"table_name": table, "schema": {"columns": ["a"], "values": [[1]]}});
    let failure = bench.call("InsertValuesV2", insert).await.unwrap_err();
    assert_eq!(
        (failure.kind, failure.effect),
        (Kind::Transport, Effect::Maybe),
        "{failure}"
    );
    assert_eq!(failure.code, "OperationalError");
}

#[tokio::test]
async fn copying_through_the_connection_is_refused_and_harms_nobody() {
    let bench = Bench::new();
    let table = unique("t");
    server().psql(&format!("create table {table} (a int)"));
    for sql in [
        format!("copy {table} from stdin"),
        format!("copy {table} to stdout"),
    ] {
        let result = bench.call("DoSQL", json!({"schema": {"sql": sql}})).await;
        let failure = result.expect_err(&sql);
        assert_eq!(failure.code, "ProgrammingError", "{sql}: {failure}");
    }
    assert_eq!(bench.rows("select 1", json!([])).await, json!([[1]]));
}

#[tokio::test]
async fn an_error_after_a_commit_of_the_sql_itself_does_not_claim_that_nothing_happened() {
    let bench = Bench::new();
    let table = unique("t");
    let sql = format!("create table {table} (a int); commit; select 1 / 0");
    let failure = bench.failure(&sql, json!([])).await;
    assert_eq!(
        (&*failure.code, failure.effect),
        ("DivisionByZero", Effect::Maybe)
    );
    let sql = format!("insert into {table} values (1); commit; select jsonb_build_array(%s)");
    let failure = bench.failure(&sql, json!([1])).await;
    assert_eq!(
        (&*failure.code, failure.effect),
        ("IndeterminateDatatype", Effect::Maybe)
    );
    assert_eq!(server().psql(&format!("select count(*) from {table}")), "1");
}

#[tokio::test]
async fn json_that_nobody_can_read_is_refused() {
    let bench = Bench::new();
    let deep = "select (repeat('[', 200) || repeat(']', 200))::json";
    let failure = bench.failure(deep, json!([])).await;
    assert_eq!(
        (&*failure.code, failure.effect),
        ("DataError", Effect::None),
        "{failure}"
    );
}

#[tokio::test]
async fn an_error_leaves_the_connection_usable() {
    let bench = Bench::new();
    let pid = bench.rows("select pg_backend_pid()", json!([])).await;
    bench.failure("select 1 / 0", json!([])).await;
    assert_eq!(bench.rows("select pg_backend_pid()", json!([])).await, pid);
}
