"""知识库准确率: samples of the knowledge base by plan, each checked against its basis (第十八条、第二十一条)."""
