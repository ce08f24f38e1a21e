//! Activiti Cloud: definitions, and service tasks over a real RabbitMQ.

mod definitions;
