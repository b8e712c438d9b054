CREATE TABLE companies (
	id VARCHAR NOT NULL, 
	name VARCHAR NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "companies" VALUES('6bff869d3abc28ef45dde393d5ca3124','eventide');
CREATE TABLE credentials (
	access_key VARCHAR NOT NULL, 
	secret_hash VARCHAR NOT NULL, 
	user VARCHAR NOT NULL, 
	PRIMARY KEY (access_key)
);
INSERT INTO "credentials" VALUES('old-access-key','a5ed298753fd1b32ff7e70ff680ffc69551a531f5abaa930da8a03de11f7e0f7','f9c3af683b9c74556b61e4d25053e84c');
CREATE TABLE model_bodies (
	id VARCHAR NOT NULL, 
	body JSON NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "model_bodies" VALUES('mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm','{"tags":[],"system_tags":[],"labels":{"cat":1}}');
CREATE TABLE model_terms (
	id VARCHAR NOT NULL, 
	field VARCHAR NOT NULL, 
	value VARCHAR NOT NULL, 
	PRIMARY KEY (id, field, value)
);
CREATE TABLE models (
	id VARCHAR NOT NULL, 
	company VARCHAR NOT NULL, 
	company_origin VARCHAR, 
	name VARCHAR, 
	project VARCHAR, 
	user VARCHAR, 
	task VARCHAR, 
	parent VARCHAR, 
	framework VARCHAR, 
	uri VARCHAR, 
	created VARCHAR, 
	last_update VARCHAR, 
	last_change VARCHAR, 
	last_changed_by VARCHAR, 
	ready BOOLEAN, 
	PRIMARY KEY (id)
);
INSERT INTO "models" VALUES('mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm','eventide',NULL,'old model',NULL,NULL,'00000000000000000000000000000001',NULL,'none','file:///m','2026-11-24T08:00:00.000000+00:00','2026-11-24T08:00:00.000000+00:00','2026-11-24T08:00:00.000000+00:00',NULL,1);
CREATE TABLE project_bodies (
	id VARCHAR NOT NULL, 
	body JSON NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "project_bodies" VALUES('pppppppppppppppppppppppppppppppp','{"description":"of 24 November","tags":["kept"],"system_tags":[]}');
CREATE TABLE project_terms (
	id VARCHAR NOT NULL, 
	field VARCHAR NOT NULL, 
	value VARCHAR NOT NULL, 
	PRIMARY KEY (id, field, value)
);
INSERT INTO "project_terms" VALUES('pppppppppppppppppppppppppppppppp','tags','kept');
CREATE TABLE projects (
	id VARCHAR NOT NULL, 
	company VARCHAR NOT NULL, 
	company_origin VARCHAR, 
	name VARCHAR, 
	basename VARCHAR, 
	user VARCHAR, 
	parent VARCHAR, 
	created VARCHAR, 
	last_update VARCHAR, 
	last_change VARCHAR, 
	last_changed_by VARCHAR, 
	PRIMARY KEY (id)
);
INSERT INTO "projects" VALUES('pppppppppppppppppppppppppppppppp','eventide',NULL,'an old project','an old project',NULL,NULL,'2026-11-24T08:00:00.000000+00:00','2026-11-24T08:00:00.000000+00:00','2026-11-24T08:00:00.000000+00:00',NULL);
CREATE TABLE scrolls (
	id VARCHAR NOT NULL, 
	company VARCHAR NOT NULL, 
	position INTEGER NOT NULL, 
	used_at INTEGER NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE secrets (
	name VARCHAR NOT NULL, 
	value VARCHAR NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "secrets" VALUES('token','5f8c29d5b806b5b5cdebfca8753877d06334edae8f12c4eeba386ac36b5ab482');
CREATE TABLE task_bodies (
	id VARCHAR NOT NULL, 
	body JSON NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "task_bodies" VALUES('00000000000000000000000000000000','{"tags":["a","t0"],"system_tags":[],"comment":"a comment – with ünïcode","hyperparams":{"s":{"n":{"section":"s","name":"n","value":"1"}}}}');
INSERT INTO "task_bodies" VALUES('00000000000000000000000000000001','{"tags":["a","t1"],"system_tags":[],"comment":"a comment – with ünïcode","hyperparams":{"s":{"n":{"section":"s","name":"n","value":"1"}}}}');
INSERT INTO "task_bodies" VALUES('00000000000000000000000000000002','{"tags":["a","t2"],"system_tags":[],"comment":"a comment – with ünïcode","hyperparams":{"s":{"n":{"section":"s","name":"n","value":"1"}}}}');
CREATE TABLE task_terms (
	id VARCHAR NOT NULL, 
	field VARCHAR NOT NULL, 
	value VARCHAR NOT NULL, 
	PRIMARY KEY (id, field, value)
);
INSERT INTO "task_terms" VALUES('00000000000000000000000000000000','tags','a');
INSERT INTO "task_terms" VALUES('00000000000000000000000000000000','tags','t0');
INSERT INTO "task_terms" VALUES('00000000000000000000000000000001','tags','a');
INSERT INTO "task_terms" VALUES('00000000000000000000000000000001','tags','t1');
INSERT INTO "task_terms" VALUES('00000000000000000000000000000002','tags','a');
INSERT INTO "task_terms" VALUES('00000000000000000000000000000002','tags','t2');
CREATE TABLE tasks (
	id VARCHAR NOT NULL, 
	company VARCHAR NOT NULL, 
	company_origin VARCHAR, 
	name VARCHAR, 
	type VARCHAR, 
	status VARCHAR, 
	project VARCHAR, 
	user VARCHAR, 
	parent VARCHAR, 
	started VARCHAR, 
	completed VARCHAR, 
	status_changed VARCHAR, 
	created VARCHAR, 
	last_update VARCHAR, 
	last_change VARCHAR, 
	last_changed_by VARCHAR, 
	active_duration INTEGER, 
	PRIMARY KEY (id)
);
INSERT INTO "tasks" VALUES('00000000000000000000000000000000','','eventide','old task 0','training','completed','pppppppppppppppppppppppppppppppp',NULL,NULL,NULL,NULL,NULL,'2026-11-24T08:00:00.000000+00:00','2026-11-24T08:00:00.000000+00:00','2026-11-24T08:00:00.000000+00:00',NULL,60);
INSERT INTO "tasks" VALUES('00000000000000000000000000000001','eventide',NULL,'old task 1','training','completed','pppppppppppppppppppppppppppppppp',NULL,NULL,NULL,NULL,NULL,'2026-11-24T08:00:00.000000+00:00','2026-11-24T08:00:00.000000+00:00','2026-11-24T08:00:00.000000+00:00',NULL,61);
INSERT INTO "tasks" VALUES('00000000000000000000000000000002','eventide',NULL,'old task 2','training','completed','pppppppppppppppppppppppppppppppp',NULL,NULL,NULL,NULL,NULL,'2026-11-24T08:00:00.000000+00:00','2026-11-24T08:00:00.000000+00:00','2026-11-24T08:00:00.000000+00:00',NULL,62);
CREATE TABLE topics (
	name VARCHAR NOT NULL, 
	epoch INTEGER NOT NULL, 
	partitions INTEGER NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "topics" VALUES('events',3,12);
CREATE TABLE users (
	id VARCHAR NOT NULL, 
	company VARCHAR NOT NULL, 
	name VARCHAR NOT NULL, 
	role VARCHAR NOT NULL, 
	document JSON NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "users" VALUES('f9c3af683b9c74556b61e4d25053e84c','6bff869d3abc28ef45dde393d5ca3124','admin','root','{}');
CREATE INDEX tasks_by_project_name ON tasks (company, project, name);
CREATE INDEX tasks_by_name ON tasks (company, name);
CREATE INDEX tasks_by_project_created_name ON tasks (company, project, created, name);
CREATE INDEX tasks_by_started ON tasks (company, started);
CREATE INDEX tasks_by_parent ON tasks (company, parent);
CREATE INDEX tasks_by_last_update ON tasks (company, last_update);
CREATE INDEX tasks_by_created_name ON tasks (company, created, name);
CREATE INDEX tasks_by_status_last_update ON tasks (company, status, last_update);
CREATE INDEX tasks_by_project_last_update ON tasks (company, project, last_update);
CREATE INDEX task_terms_by_value ON task_terms (field, value);
CREATE INDEX models_by_project_last_update ON models (company, project, last_update);
CREATE INDEX models_by_created ON models (company, created);
CREATE INDEX models_by_project_created ON models (company, project, created);
CREATE INDEX models_by_last_update ON models (company, last_update);
CREATE INDEX models_by_name ON models (company, name);
CREATE INDEX models_by_task ON models (company, task);
CREATE INDEX model_terms_by_value ON model_terms (field, value);
CREATE INDEX projects_by_created ON projects (company, created);
CREATE INDEX projects_by_parent ON projects (company, parent);
CREATE INDEX projects_by_last_update ON projects (company, last_update);
CREATE UNIQUE INDEX projects_by_name ON projects (company, name);
CREATE INDEX project_terms_by_value ON project_terms (field, value);
CREATE INDEX users_by_company ON users (company);
