# One command for everything; `make` lists them. PYTHON=/path/to/python3.12 chooses the interpreter.
.DEFAULT_GOAL := help
.PHONY: help setup run test lint agent call reload doctor images lock soak bench-line bench-orders bench-desk bench-timers bench-knowledge bench-archive bench-speech speech-model speech-model-train clean
export PYTHON
BIN := .venv/bin
INSTALLED := .venv/.installed
INSTALLED_DEV := .venv/.installed-dev

help: ## 列出全部命令
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 28

$(INSTALLED): requirements.txt pyproject.toml
	@sh hotline/setup/bootstrap.sh
	@touch $@

$(INSTALLED_DEV): requirements-dev.txt | $(INSTALLED)
	@sh hotline/setup/bootstrap.sh requirements-dev.txt
	@touch $@

setup: $(INSTALLED) ## 安装所需的一切（可重复运行，只做缺少的）
	@$(BIN)/hotline setup

run: $(INSTALLED) ## 安装并启动服务，Ctrl-C 停止
	@$(BIN)/hotline run --setup

test: $(INSTALLED) $(INSTALLED_DEV) ## 运行全部测试
	@$(BIN)/hotline setup --tests
	@$(BIN)/pytest -n logical --dist loadgroup $(ARGS)

lint: $(INSTALLED) $(INSTALLED_DEV) ## 检查格式、类型与分层
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

agent: $(INSTALLED) ## 启动一名演示话务员（自动应答）；LOGIN=agent1
	@$(BIN)/hotline agent $(or $(LOGIN),agent1)

call: $(INSTALLED) ## 模拟一次来电：make call SAY="我要投诉小区门口占道经营" [FROM= TO= DTMF=]
	@$(BIN)/hotline call --say "$(SAY)" $(if $(FROM),--from "$(FROM)") $(if $(TO),--to "$(TO)") $(if $(DTMF),--dtmf "$(DTMF)")

reload: $(INSTALLED) ## 让运行中的服务重新读取设置，不断通话
	@$(BIN)/hotline reload

doctor: $(INSTALLED) ## 检查各部分，说明如何修复
	@$(BIN)/hotline doctor

images: ## 构建容器镜像（docker 或 buildah）
	@sh docker/build.sh $(ARGS)

lock: ## 重新锁定 Python 软件包的版本与校验值
	@for name in requirements requirements-dev requirements-speech-train; do \
	    uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header $$name.in -o $$name.txt; done

soak: $(INSTALLED) $(INSTALLED_DEV) ## 长时间故障测试（随机种子重复）
	@$(BIN)/hotline setup --tests
	@$(BIN)/python -m tests.soak $(ARGS)

bench-line: $(INSTALLED) $(INSTALLED_DEV) ## 测量线路：本系统与纯拨号计划对比
	@$(BIN)/hotline setup
	@$(BIN)/python -m tests.bench.line $(ARGS)

bench-speech: $(INSTALLED) $(INSTALLED_DEV) ## 测量语音转写：延迟与吞吐
	@$(BIN)/hotline setup
	@$(BIN)/python -m tests.bench.speech $(ARGS)

bench-orders: $(INSTALLED) $(INSTALLED_DEV) ## 测量工单：派发、待办、检索、工单页，一万张与一百万张
	@$(BIN)/python -m tests.bench.orders $(ARGS)

bench-desk: $(INSTALLED) $(INSTALLED_DEV) ## 测量坐席桌面：来电提示的延迟、500 个桌面、页面大小与首屏
	@$(BIN)/hotline setup
	@$(BIN)/python -m tests.bench.desk $(ARGS)

bench-timers: $(INSTALLED) $(INSTALLED_DEV) ## 测量时限扫描：十万张未结工单停机一夜之后
	@$(BIN)/python -m tests.bench.timers $(ARGS)

bench-knowledge: $(INSTALLED) $(INSTALLED_DEV) ## 测量知识库：两万条目，50 名话务员同时输入；从市民说出到建议显示
	@$(BIN)/hotline setup
	@$(BIN)/python -m tests.bench.knowledge $(ARGS)

bench-archive: $(INSTALLED) $(INSTALLED_DEV) ## 测量录音归档：加密入档、核验、跳播
	@$(BIN)/python -m tests.bench.archive $(ARGS)

speech-model: $(INSTALLED) ## 下载并校验真实语音模型：make speech-model NAME=vosk-model-small-cn-0.22
	@$(BIN)/hotline speech-model "$(NAME)"

speech-model-train: $(INSTALLED) ## 训练测试用的小模型（需另装 PyTorch）
	@$(BIN)/python -m venv .venv-speech-train
	@.venv-speech-train/bin/pip install -q --require-hashes -r requirements-speech-train.txt
	@.venv-speech-train/bin/python -m recordings.speech.training $(or $(OUT),var/speech-model)

clean: ## 删除虚拟环境与构建产物（不删数据，不删缓存）
	@rm -rf .venv .venv-speech-train web/static web/assets/node_modules
