CREATE TABLE public.companies (
    id character varying NOT NULL,
    name character varying NOT NULL
);
CREATE TABLE public.credentials (
    access_key character varying NOT NULL,
    secret_hash character varying NOT NULL,
    "user" character varying NOT NULL
);
CREATE TABLE public.model_bodies (
    id character varying NOT NULL,
    body json NOT NULL
);
CREATE TABLE public.model_terms (
    id character varying NOT NULL,
    field character varying NOT NULL,
    value character varying NOT NULL
);
CREATE TABLE public.models (
    id character varying NOT NULL,
    company character varying NOT NULL,
    company_origin character varying,
    name character varying,
    project character varying,
    "user" character varying,
    task character varying,
    parent character varying,
    framework character varying,
    uri character varying,
    created character varying,
    last_update character varying,
    last_change character varying,
    last_changed_by character varying,
    ready boolean
);
CREATE TABLE public.project_bodies (
    id character varying NOT NULL,
    body json NOT NULL
);
CREATE TABLE public.project_terms (
    id character varying NOT NULL,
    field character varying NOT NULL,
    value character varying NOT NULL
);
CREATE TABLE public.projects (
    id character varying NOT NULL,
    company character varying NOT NULL,
    company_origin character varying,
    name character varying,
    basename character varying,
    "user" character varying,
    parent character varying,
    created character varying,
    last_update character varying,
    last_change character varying,
    last_changed_by character varying
);
CREATE TABLE public.scrolls (
    id character varying NOT NULL,
    company character varying NOT NULL,
    "position" integer NOT NULL,
    used_at integer NOT NULL
);
CREATE TABLE public.secrets (
    name character varying NOT NULL,
    value character varying NOT NULL
);
CREATE TABLE public.task_bodies (
    id character varying NOT NULL,
    body json NOT NULL
);
CREATE TABLE public.task_terms (
    id character varying NOT NULL,
    field character varying NOT NULL,
    value character varying NOT NULL
);
CREATE TABLE public.tasks (
    id character varying NOT NULL,
    company character varying NOT NULL,
    company_origin character varying,
    name character varying,
    type character varying,
    status character varying,
    project character varying,
    "user" character varying,
    parent character varying,
    started character varying,
    completed character varying,
    status_changed character varying,
    created character varying,
    last_update character varying,
    last_change character varying,
    last_changed_by character varying,
    active_duration integer
);
CREATE TABLE public.topics (
    name character varying NOT NULL,
    epoch integer NOT NULL,
    partitions integer NOT NULL
);
CREATE TABLE public.users (
    id character varying NOT NULL,
    company character varying NOT NULL,
    name character varying NOT NULL,
    role character varying NOT NULL,
    document json NOT NULL
);
INSERT INTO public.companies VALUES ('6bff869d3abc28ef45dde393d5ca3124', 'eventide');
INSERT INTO public.credentials VALUES ('old-access-key', 'a5ed298753fd1b32ff7e70ff680ffc69551a531f5abaa930da8a03de11f7e0f7', 'c2321b6c1d7613a5756fb7d755b32ae8');
INSERT INTO public.model_bodies VALUES ('mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm', '{"tags":[],"system_tags":[],"labels":{"cat":1}}');
INSERT INTO public.models VALUES ('mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm', 'eventide', NULL, 'old model', NULL, NULL, '00000000000000000000000000000001', NULL, 'none', 'file:///m', '2026-11-24T08:00:00.000000+00:00', '2026-11-24T08:00:00.000000+00:00', '2026-11-24T08:00:00.000000+00:00', NULL, true);
INSERT INTO public.project_bodies VALUES ('pppppppppppppppppppppppppppppppp', '{"description":"of 24 November","tags":["kept"],"system_tags":[]}');
INSERT INTO public.project_terms VALUES ('pppppppppppppppppppppppppppppppp', 'tags', 'kept');
INSERT INTO public.projects VALUES ('pppppppppppppppppppppppppppppppp', 'eventide', NULL, 'an old project', 'an old project', NULL, NULL, '2026-11-24T08:00:00.000000+00:00', '2026-11-24T08:00:00.000000+00:00', '2026-11-24T08:00:00.000000+00:00', NULL);
INSERT INTO public.secrets VALUES ('token', 'bc1527dac789c3697d3602c3721b957e00e81c21897a9d7ec4bfddbb20b6a58e');
INSERT INTO public.task_bodies VALUES ('00000000000000000000000000000000', '{"tags":["a","t0"],"system_tags":[],"comment":"a comment – with ünïcode","hyperparams":{"s":{"n":{"section":"s","name":"n","value":"1"}}}}');
INSERT INTO public.task_bodies VALUES ('00000000000000000000000000000001', '{"tags":["a","t1"],"system_tags":[],"comment":"a comment – with ünïcode","hyperparams":{"s":{"n":{"section":"s","name":"n","value":"1"}}}}');
INSERT INTO public.task_bodies VALUES ('00000000000000000000000000000002', '{"tags":["a","t2"],"system_tags":[],"comment":"a comment – with ünïcode","hyperparams":{"s":{"n":{"section":"s","name":"n","value":"1"}}}}');
INSERT INTO public.task_terms VALUES ('00000000000000000000000000000000', 'tags', 'a');
INSERT INTO public.task_terms VALUES ('00000000000000000000000000000000', 'tags', 't0');
INSERT INTO public.task_terms VALUES ('00000000000000000000000000000001', 'tags', 'a');
INSERT INTO public.task_terms VALUES ('00000000000000000000000000000001', 'tags', 't1');
INSERT INTO public.task_terms VALUES ('00000000000000000000000000000002', 'tags', 'a');
INSERT INTO public.task_terms VALUES ('00000000000000000000000000000002', 'tags', 't2');
INSERT INTO public.tasks VALUES ('00000000000000000000000000000000', '', 'eventide', 'old task 0', 'training', 'completed', 'pppppppppppppppppppppppppppppppp', NULL, NULL, NULL, NULL, NULL, '2026-11-24T08:00:00.000000+00:00', '2026-11-24T08:00:00.000000+00:00', '2026-11-24T08:00:00.000000+00:00', NULL, 60);
INSERT INTO public.tasks VALUES ('00000000000000000000000000000001', 'eventide', NULL, 'old task 1', 'training', 'completed', 'pppppppppppppppppppppppppppppppp', NULL, NULL, NULL, NULL, NULL, '2026-11-24T08:00:00.000000+00:00', '2026-11-24T08:00:00.000000+00:00', '2026-11-24T08:00:00.000000+00:00', NULL, 61);
INSERT INTO public.tasks VALUES ('00000000000000000000000000000002', 'eventide', NULL, 'old task 2', 'training', 'completed', 'pppppppppppppppppppppppppppppppp', NULL, NULL, NULL, NULL, NULL, '2026-11-24T08:00:00.000000+00:00', '2026-11-24T08:00:00.000000+00:00', '2026-11-24T08:00:00.000000+00:00', NULL, 62);
INSERT INTO public.topics VALUES ('events', 3, 12);
INSERT INTO public.users VALUES ('c2321b6c1d7613a5756fb7d755b32ae8', '6bff869d3abc28ef45dde393d5ca3124', 'admin', 'root', '{}');
ALTER TABLE ONLY public.companies
    ADD CONSTRAINT companies_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.credentials
    ADD CONSTRAINT credentials_pkey PRIMARY KEY (access_key);
ALTER TABLE ONLY public.model_bodies
    ADD CONSTRAINT model_bodies_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.model_terms
    ADD CONSTRAINT model_terms_pkey PRIMARY KEY (id, field, value);
ALTER TABLE ONLY public.models
    ADD CONSTRAINT models_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.project_bodies
    ADD CONSTRAINT project_bodies_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.project_terms
    ADD CONSTRAINT project_terms_pkey PRIMARY KEY (id, field, value);
ALTER TABLE ONLY public.projects
    ADD CONSTRAINT projects_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.scrolls
    ADD CONSTRAINT scrolls_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.secrets
    ADD CONSTRAINT secrets_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.task_bodies
    ADD CONSTRAINT task_bodies_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.task_terms
    ADD CONSTRAINT task_terms_pkey PRIMARY KEY (id, field, value);
ALTER TABLE ONLY public.tasks
    ADD CONSTRAINT tasks_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.topics
    ADD CONSTRAINT topics_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);
CREATE INDEX model_terms_by_value ON public.model_terms USING btree (field, value);
CREATE INDEX models_by_created ON public.models USING btree (company, created);
CREATE INDEX models_by_last_update ON public.models USING btree (company, last_update);
CREATE INDEX models_by_name ON public.models USING btree (company, name);
CREATE INDEX models_by_project_created ON public.models USING btree (company, project, created);
CREATE INDEX models_by_project_last_update ON public.models USING btree (company, project, last_update);
CREATE INDEX models_by_task ON public.models USING btree (company, task);
CREATE INDEX project_terms_by_value ON public.project_terms USING btree (field, value);
CREATE INDEX projects_by_created ON public.projects USING btree (company, created);
CREATE INDEX projects_by_last_update ON public.projects USING btree (company, last_update);
CREATE UNIQUE INDEX projects_by_name ON public.projects USING btree (company, name);
CREATE INDEX projects_by_parent ON public.projects USING btree (company, parent);
CREATE INDEX task_terms_by_value ON public.task_terms USING btree (field, value);
CREATE INDEX tasks_by_created_name ON public.tasks USING btree (company, created, name);
CREATE INDEX tasks_by_last_update ON public.tasks USING btree (company, last_update);
CREATE INDEX tasks_by_name ON public.tasks USING btree (company, name);
CREATE INDEX tasks_by_parent ON public.tasks USING btree (company, parent);
CREATE INDEX tasks_by_project_created_name ON public.tasks USING btree (company, project, created, name);
CREATE INDEX tasks_by_project_last_update ON public.tasks USING btree (company, project, last_update);
CREATE INDEX tasks_by_project_name ON public.tasks USING btree (company, project, name);
CREATE INDEX tasks_by_started ON public.tasks USING btree (company, started);
CREATE INDEX tasks_by_status_last_update ON public.tasks USING btree (company, status, last_update);
CREATE INDEX users_by_company ON public.users USING btree (company);
