//! The commands, with the parameters of the original package in its order.

use crosspoint_core::{Context, Execute, Failure, Json, Native, Outcome, Safety, Secret};
use schemars::JsonSchema;
use serde::Deserialize;

use super::job::Job;
use super::{Connector, run, schema};

/// Creates a table unless there is one of that name.
#[derive(Deserialize, JsonSchema)]
struct CreateTableV2 {
    /// Where the database is: `host=… dbname=… user=… password=…` or `postgres://…`.
    database_connection_str: Secret<String>,
    /// The table, with its schema or without.
    table_name: String,
    /// An object with `column_definitions`, a list of objects with `name` and `type`.
    schema: Json,
}

/// Deletes the rows that meet all conditions; all rows when there is none.
#[derive(Deserialize, JsonSchema)]
struct DeleteValuesV2 {
    /// Where the database is: `host=… dbname=… user=… password=…` or `postgres://…`.
    database_connection_str: Secret<String>,
    /// The table, with its schema or without.
    table_name: String,
    /// An object with, optionally, `where`: a list of lists of column, operator and value.
    schema: Json,
}

/// Runs any SQL. Answers with the last statement's rows when asked to.
#[derive(Deserialize, JsonSchema)]
struct DoSQL {
    /// Where the database is: `host=… dbname=… user=… password=…` or `postgres://…`.
    database_connection_str: Secret<String>,
    /// An object with `sql` and, optionally, `values` (a list, one value for each `%s`) and
    /// `fetch_results` (whether to answer with rows).
    schema: Json,
}

/// Drops a table if it is there.
#[derive(Deserialize, JsonSchema)]
struct DropTableV2 {
    /// Where the database is: `host=… dbname=… user=… password=…` or `postgres://…`.
    database_connection_str: Secret<String>,
    /// The table, with its schema or without.
    table_name: String,
}

/// Inserts rows.
#[derive(Deserialize, JsonSchema)]
struct InsertValuesV2 {
    /// Where the database is: `host=… dbname=… user=… password=…` or `postgres://…`.
    database_connection_str: Secret<String>,
    /// The table, with its schema or without.
    table_name: String,
    /// An object with `columns`, a list of names, and `values`, a list of lists in their order.
    schema: Json,
}

/// Answers with the rows that meet all conditions, each a list in the order of the columns.
#[derive(Deserialize, JsonSchema)]
struct SelectValuesV2 {
    /// Where the database is: `host=… dbname=… user=… password=…` or `postgres://…`.
    database_connection_str: Secret<String>,
    /// The table, with its schema or without.
    table_name: String,
    /// An object with `columns`, a list of names, and, optionally, `where`: a list of lists of
    /// column, operator (`=`, `!=`, `<` or `>`) and value.
    schema: Json,
}

/// Changes the rows that meet all conditions; all rows when there is none.
#[derive(Deserialize, JsonSchema)]
struct UpdateValuesV2 {
    /// Where the database is: `host=… dbname=… user=… password=…` or `postgres://…`.
    database_connection_str: Secret<String>,
    /// The table, with its schema or without.
    table_name: String,
    /// An object with `set`, an object of columns and values, and, optionally, `where`: a list of
    /// lists of column, operator and value.
    schema: Json,
}

/// Implements commands: name, what repeating it does, and how the job is made of it.
macro_rules! commands {
    ($($name:ident $safety:ident = |$command:ident| $job:expr;)*) => {$(
        impl Execute<Connector> for $name {
            const NAME: &'static str = stringify!($name);
            const SAFETY: Safety = Safety::$safety;

            async fn execute(self, postgres: &Connector, cx: &Context) -> Result<Outcome, Failure> {
                let $command = &self;
                let job: Job = $job?;
                run::run(postgres, self.database_connection_str.expose(), &job, cx).await
            }
        }
    )*};
}

commands! {
    CreateTableV2 Effectful = |c| {
        Job::create(&c.table_name, &schema::read(&c.schema, &["column_definitions"])?)
    };
    DeleteValuesV2 Effectful = |c| Job::delete(&c.table_name, schema::read(&c.schema, &[])?);
    DoSQL Effectful = |c| Job::free(schema::read(&c.schema, &["sql"])?);
    DropTableV2 Effectful = |c| Job::drop(&c.table_name);
    InsertValuesV2 Effectful = |c| {
        Job::insert(&c.table_name, schema::read(&c.schema, &["columns", "values"])?)
    };
    SelectValuesV2 ReadOnly = |c| {
        Job::select(&c.table_name, schema::read(&c.schema, &["columns"])?)
    };
    UpdateValuesV2 Effectful = |c| Job::update(&c.table_name, schema::read(&c.schema, &["set"])?);
}

/// Adds the commands in the order of the original catalogue.
pub(super) fn add(native: Native<Connector>) -> Native<Connector> {
    native
        .command::<CreateTableV2>()
        .command::<DeleteValuesV2>()
        .command::<DoSQL>()
        .command::<DropTableV2>()
        .command::<InsertValuesV2>()
        .command::<SelectValuesV2>()
        .command::<UpdateValuesV2>()
}
